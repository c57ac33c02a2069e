/** Why a job is interrupted from outside. */
export const stopAsked = 'it was stopped';
export const pauseOver = 'the time of its pause ran out';
export const daemonStops = 'govd stopped while it ran';
export const lockLost = 'the workspace lock went to somebody else';
/** What stands on an attempt that ran when that happened. */
export const lockTaken = 'the lock of its workspace was taken away while it ran';
