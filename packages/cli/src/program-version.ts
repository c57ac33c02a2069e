declare const __VERSION__: string | undefined;

/** Set by the build; a run from source says so. */
export const programVersion: string = typeof __VERSION__ === 'undefined' ? '0.0.0-source' : __VERSION__;
