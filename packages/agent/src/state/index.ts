export { writeFileDurably } from './durable-file.ts';
export { createKeys, type KeyFiles, loadKeys, signerOf } from './key-file.ts';
export { randomHexSource } from './random.ts';
export { type KeyPlace, keyPlace, withSecretPaths } from './secret.ts';
export { type StateDir, stateDir } from './state-dir.ts';
