/** What witnesses said, as the daemon keeps it. None of it has a leaf: a cosignature proves itself. */
export type WitnessWrites = {
  /** The first word of a witness about a tree stays. */
  'witness.cosign': { readonly size: number; readonly witness: string; readonly line: string; readonly cosigned_at: string };
  /** Its newest word, of the largest tree it was shown. */
  'witness.hear': { readonly size: number; readonly witness: string; readonly line: string; readonly cosigned_at: string };
  'witness.quorum': { readonly size: number; readonly quorum: number; readonly witnessed_at: string };
};
