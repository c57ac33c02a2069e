/** The environment ladder. What must be the same on every rung is the parity contract; capacity and retention may differ. */
export const environments = ['local_parity', 'dev', 'prod'] as const;

export type Environment = (typeof environments)[number];
