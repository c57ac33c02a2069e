/** A birth that a tailer passed on: when, in milliseconds of the machine's clock, which is the server's too. */
export type Delivery = { readonly object_key: string; readonly born_at: string; readonly at: number };

/** Something that follows the changelog of the source without changing anything about it. */
export type Tailer = {
  readonly name: string;
  /** A negative control has to be seen to fail: that shows that the harness sees. */
  readonly control: boolean;
  start(): Promise<void>;
  /** Once the writers have ended: waits until there is nothing left that it could deliver. */
  drain(): Promise<void>;
  stop(): Promise<void>;
  /** In the order of delivery. */
  delivered(): Promise<readonly Delivery[]>;
  /** What else is wrong with its effects, in words. */
  complaints(): Promise<readonly string[]>;
};
