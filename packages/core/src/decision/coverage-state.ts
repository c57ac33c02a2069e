/** What is known of how far the handoff came; only `ok` is good enough. */
export const coverageStates = ['ok', 'behind', 'unknown', 'pruned', 'drift', 'fenced'] as const;
