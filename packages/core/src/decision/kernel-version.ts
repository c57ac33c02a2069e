/**
 * Version of what `decide` computes, not of the program: it grows when equal facts may give another decision body, and two sides
 * with different numbers are `kernel-skew`, whatever else they agree on.
 */
export const kernelVersion = '2';
