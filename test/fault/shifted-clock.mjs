// For `node --import`: this process believes that it is so many milliseconds later. Timers and the monotonic clock stay as they are.
const shift = Number(process.env.GOVCTL_TEST_CLOCK_SHIFT ?? 0);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shift);
    else super(...args);
  }

  static now() {
    return RealDate.now() + shift;
  }
};
