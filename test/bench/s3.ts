import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Pool } from 'undici';
import { cleanEnv } from './daemon.ts';
import type { Lab } from './measurement.ts';

/** For this measurement only: nobody who uses or tests the programs should have to install an SDK of another system. */
const packages = { '@20minutes/s3rver': '5.0.0', '@aws-sdk/client-s3': '3.1169.0', '@aws-sdk/s3-request-presigner': '3.1169.0' };

/** Its signatures are checked: a URL with another one is refused with 403. Says its port, and ends with its standard input. */
const server = `import S3rver from '@20minutes/s3rver';
const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory: process.argv[2], configureBuckets: [{ name: 'evidence' }] });
const { port } = await server.run();
process.stdout.write(port + '\\n');
process.stdin.resume().on('end', () => process.exit(0));
`;

type Sdk = {
  readonly S3Client: new (options: object) => { send(command: object): Promise<unknown>; destroy(): void };
  readonly PutObjectCommand: new (input: object) => object;
  readonly GetObjectCommand: new (input: object) => object;
};
type Presigner = { getSignedUrl(client: object, command: object, options: { readonly expiresIn: number }): Promise<string> };

/** A local S3 server in a process of its own, and the AWS SDK. */
export type S3 = {
  /** Makes a signed URL for the object, fetches it over a kept connection, and answers its bytes. */
  presignAndGet(): Promise<Buffer>;
  close(): Promise<void>;
};

async function install(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: packages }));
  const child = spawn('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`the AWS SDK and an S3 server could not be installed: ${said}`);
}

/** Installs both into a folder of the run, and starts the server with one object. */
export async function startS3(lab: Lab, object: Buffer): Promise<S3> {
  const folder = join(lab.shared, 's3');
  lab.tell('installing the AWS SDK and a local S3 server');
  await install(folder);
  writeFileSync(join(folder, 'server.mjs'), server);
  mkdirSync(join(folder, 'data'));
  const child = spawn(process.execPath, ['server.mjs', join(folder, 'data')], {
    cwd: folder,
    env: cleanEnv(),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('exit', () => reject(new Error('the S3 server ended')));
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())));
  });
  const load = createRequire(join(folder, 'package.json'));
  const sdk = load('@aws-sdk/client-s3') as Sdk;
  const { getSignedUrl } = load('@aws-sdk/s3-request-presigner') as Presigner;
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const client = new sdk.S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials });
  const where = { Bucket: 'evidence', Key: 'evidence.json' };
  await client.send(new sdk.PutObjectCommand({ ...where, Body: object }));
  const pool = new Pool(endpoint, { connections: 32, pipelining: 1 });
  const get = async (url: string) => {
    const answer = await pool.request({ method: 'GET', path: url.slice(endpoint.length) });
    return { status: answer.statusCode, bytes: Buffer.from(await answer.body.arrayBuffer()) };
  };
  const sign = () => getSignedUrl(client, new sdk.GetObjectCommand(where), { expiresIn: 60 });
  const forged = await get((await sign()).replace(/Signature=[0-9a-f]{4}/, 'Signature=0000'));
  if (forged.status !== 403) throw new Error(`the S3 server does not check signatures: HTTP ${forged.status}`);
  return {
    async presignAndGet() {
      const { status, bytes } = await get(await sign());
      if (status !== 200) throw new Error(`GET from S3: HTTP ${status}`);
      return bytes;
    },
    async close() {
      await pool.destroy();
      client.destroy();
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await gone;
    },
  };
}
