export const jobKinds = ['analysis', 'ofs_build', 'mf_train'] as const;
export type JobKind = (typeof jobKinds)[number];
