/**
 * The program of a hashing thread, as text: a thread needs a program of its own, and text needs no file beside the bundle. It takes
 * `{index, place, mark}`, reads the file and answers `{index, sha256}`, `{index, changed}` or `{index, error}`; the bytes it has read
 * so far stand in the shared counter.
 */
export const hashWorker = `
const { closeSync, constants, fstatSync, openSync, readSync } = require('node:fs');
const { createHash } = require('node:crypto');
const { parentPort, workerData } = require('node:worker_threads');

const counter = new BigInt64Array(workerData);
const buffer = Buffer.allocUnsafe(1024 * 1024);

function markOf(file) {
  const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join('.');
}

function hash(place, mark) {
  // No link is followed, and a pipe put in its place does not block.
  const file = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (markOf(file) !== mark) return { changed: true };
    const state = createHash('sha256');
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      state.update(buffer.subarray(0, read));
      Atomics.add(counter, 0, BigInt(read));
    }
    if (markOf(file) !== mark) return { changed: true };
    return { sha256: state.digest('hex') };
  } finally {
    closeSync(file);
  }
}

parentPort.on('message', ({ index, place, mark }) => {
  try {
    parentPort.postMessage({ index, ...hash(place, mark) });
  } catch (error) {
    parentPort.postMessage({ index, error: { code: error.code, message: error.message } });
  }
});
`;
