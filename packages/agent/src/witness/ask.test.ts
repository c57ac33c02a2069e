import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cosign, ed25519Signer, emptyRoot, formatCosignerKey, parseCosignerKey, rawPublicKey, signCheckpoint } from '@govctl/core/evidence';
import { afterEach, expect, it } from 'vitest';
import { askWitness } from './ask.ts';

const log = ed25519Signer(generateKeyPairSync('ed25519').privateKey);
const witness = ed25519Signer(generateKeyPairSync('ed25519').privateKey);
const name = 'witness.example/w1';
const key = parseCosignerKey(formatCosignerKey(name, rawPublicKey(witness.public_key_spki)));
const checkpoint = signCheckpoint({ origin: 'log.example', size: 0, root: emptyRoot }, log);
const text = checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1);
const good = cosign(text, name, witness, 1_790_000_000);

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function asked(listener: RequestListener, timeoutMs = 5000) {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return await askWitness({ name, url, key }, { old: 0, proof: [], checkpoint }, { timeoutMs, signal: new AbortController().signal });
}

it('takes its own valid line among others, and the size it says', async () => {
  const other = cosign(text, 'witness.example/w2', log, 5);
  expect(await asked((_request, response) => void response.end(other + good))).toEqual({ line: good, time: 1_790_000_000 });
  expect(await asked((_request, response) => void response.writeHead(409).end('7\n'))).toEqual({ size: 7 });
});

it.each<[string, RequestListener, RegExp]>([
  ['sends elsewhere', (_request, response) => void response.writeHead(307, { location: '/' }).end(), /answered 307/],
  ['answers without end', (_request, response) => void response.write('— a b\n'.repeat(20_000)), /more than/],
  ['hangs', () => {}, /no answer within/],
  ['begins and hangs', (_request, response) => void response.write('—'), /no answer within/],
  ['hangs up', (request) => void request.socket.destroy(), /hang up|reset/],
  ['cosigns something else', (_request, response) => void response.end(cosign('x\n1\n', name, witness, 5)), /not valid/],
  ['answers for somebody else', (_request, response) => void response.end(cosign(text, 'w', log, 5)), /without a cosignature/],
  ['answers a page', (_request, response) => void response.end('<html>'), /without signature lines/],
])('one that %s is an error that says so', async (_what, listener, said) => {
  await expect(asked(listener, 500)).rejects.toThrow(said);
});
