/**
 * The program of a thread that checks Ed25519 signatures, as text: a thread needs a program of its own, and text needs no file beside the
 * bundle. It is given the public keys when it starts. It takes `{number, bytes, claims}`, four numbers a claim (which key, where its message
 * begins and ends, where its signature begins), and answers `{number, good, milliseconds}`, a byte a claim.
 */
export const signatureThread = `
const { verify } = require('node:crypto');
const { setPriority } = require('node:os');
const { parentPort, workerData: keys } = require('node:worker_threads');

// Of this thread alone on Linux: whoever asks something of the daemon meanwhile comes first.
try {
  setPriority(5);
} catch {
  // Then it shares.
}

parentPort.on('message', ({ number, bytes, claims }) => {
  const started = performance.now();
  const good = new Uint8Array(claims.length / 4);
  for (let at = 0; at < good.length; at += 1) {
    const [key, begin, end, sig] = claims.subarray(at * 4, at * 4 + 4);
    good[at] = verify(null, bytes.subarray(begin, end), keys[key], bytes.subarray(sig, sig + 64)) ? 1 : 0;
  }
  parentPort.postMessage({ number, good, milliseconds: performance.now() - started }, [good.buffer]);
});
`;
