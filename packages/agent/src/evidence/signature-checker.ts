import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import {
  equalBytes,
  isValidAt,
  pae,
  type RecordKind,
  type RecordSignature,
  requirementsFor,
  statementPayloadType,
  type TrustedKey,
  type TrustRoot,
} from '@govctl/core/evidence';
import { signatureThread } from './signature-thread.ts';

/** A leaf whose payload is what the leaf says; who signed it is still to be seen. */
export type SignedLeaf = {
  readonly leaf_index: number;
  readonly ref: string;
  readonly kind: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly RecordSignature[];
};

export type SignatureTold = (leaf: Pick<SignedLeaf, 'leaf_index' | 'ref'>, detail: string) => void;

type Answer = { readonly number: number; readonly good: Uint8Array; readonly milliseconds: number };
/** A leaf of a batch: whose signatures stand for it, and where the answers about them begin. */
type Asked = { readonly leaf: Pick<SignedLeaf, 'leaf_index' | 'ref' | 'kind'>; readonly keys: readonly TrustedKey[]; readonly at: number };
type Thread = { readonly worker: Worker; waiting: number };

/** Batches of a thread: one that it has, and one that is there when it is done. */
const batchesOfThread = 2;
/** One thread can hand out work for about so many. */
const threadsAtMost = 12;

/** A batch is bytes outside of it: the heap of a thread has little to hold. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 };

/** Threads that this machine has for signatures. */
export function signatureThreads(): number {
  return Math.min(threadsAtMost, availableParallelism());
}

/**
 * Checks signatures on threads of its own, batch by batch: they are most of the work of reading a log again. What a leaf needs is said by
 * the trust root: distinct trusted keys of a role, valid at its index.
 */
export class SignatureChecker implements AsyncDisposable {
  readonly #trust: TrustRoot;
  readonly #keys: readonly TrustedKey[];
  readonly #told: SignatureTold;
  readonly #threads: Thread[] = [];
  readonly #waiting = new Map<number, { readonly done: (answer: Answer) => void; readonly failed: (error: Error) => void }>();
  readonly #batches = new Set<Promise<void>>();
  #wanted: number;
  #number = 0;
  #failure: Error | undefined;
  #leaves = 0;
  #milliseconds = 0;

  constructor(trust: TrustRoot, threads: number, told: SignatureTold) {
    this.#trust = trust;
    this.#keys = trust.keys.filter(({ purpose }) => purpose === 'decision');
    this.#told = told;
    this.#wanted = threads;
  }

  /** Leaves that were checked, and the seconds that threads were at it. */
  get done(): { readonly leaves: number; readonly thread_seconds: number } {
    return { leaves: this.#leaves, thread_seconds: this.#milliseconds / 1000 };
  }

  get threads(): number {
    return this.#threads.length;
  }

  /** From now on so many. */
  widen(threads: number): void {
    this.#wanted = threads;
  }

  /** Whether another batch would be begun soon. */
  get hasRoom(): boolean {
    return this.#batches.size < this.#wanted * batchesOfThread;
  }

  /** Waits until there is room. @throws what went wrong with the threads */
  async room(): Promise<void> {
    while (!this.hasRoom) await Promise.race(this.#batches);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits for all that was handed in. @throws what went wrong with the threads */
  async settled(): Promise<void> {
    await Promise.all(this.#batches);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Hands a batch in: what is wrong with it is told later. */
  submit(leaves: readonly SignedLeaf[]): void {
    const { asked, bytes, claims } = this.#packed(leaves);
    const batch = this.#checked(bytes, claims)
      .then(({ good, milliseconds }) => {
        this.#milliseconds += milliseconds;
        this.#leaves += asked.length;
        for (const one of asked) this.#judge(one, good);
      })
      .catch((error: Error) => {
        this.#failure ??= error;
      })
      .finally(() => this.#batches.delete(batch));
    this.#batches.add(batch);
  }

  #packed(leaves: readonly SignedLeaf[]) {
    const parts: Uint8Array[] = [];
    const claims: number[] = [];
    let size = 0;
    const asked = leaves.map((leaf): Asked => {
      const keys: TrustedKey[] = [];
      const at = claims.length / 4;
      const begin = size;
      let messageEnd = size;
      for (const [place, key] of this.#keys.entries()) {
        if (!isValidAt(key, leaf.leaf_index)) continue;
        for (const { public_key_spki, sig } of leaf.signatures) {
          // Keys that a leaf names are hints: only those that are trusted are asked, and a signature of another length is none.
          if (sig.byteLength !== 64 || !equalBytes(public_key_spki, key.spki)) continue;
          if (keys.length === 0) {
            const message = pae(statementPayloadType, leaf.payload);
            parts.push(message);
            size += message.byteLength;
            messageEnd = size;
          }
          keys.push(key);
          parts.push(sig);
          claims.push(place, begin, messageEnd, size);
          size += sig.byteLength;
        }
      }
      return { leaf: { leaf_index: leaf.leaf_index, ref: leaf.ref, kind: leaf.kind }, keys, at };
    });
    const bytes = new Uint8Array(size);
    let filled = 0;
    for (const part of parts) {
      bytes.set(part, filled);
      filled += part.byteLength;
    }
    return { asked, bytes, claims: Uint32Array.from(claims) };
  }

  #judge({ leaf, keys, at }: Asked, good: Uint8Array): void {
    const requirements = requirementsFor(this.#trust, leaf.kind as RecordKind);
    if (requirements.length === 0) this.#told(leaf, `the trust root accepts no ${leaf.kind}`);
    for (const { role, threshold } of requirements) {
      const signers = new Set(keys.filter((key, place) => key.role === role && good[at + place] === 1).map(({ keyid }) => keyid));
      if (signers.size < threshold) this.#told(leaf, `${signers.size} of ${threshold} trusted keys of role ${role} signed it`);
    }
  }

  #checked(bytes: Uint8Array<ArrayBuffer>, claims: Uint32Array<ArrayBuffer>): Promise<Answer> {
    if (claims.length === 0) return Promise.resolve({ number: 0, good: new Uint8Array(0), milliseconds: 0 });
    const thread = this.#idlest();
    const number = ++this.#number;
    thread.waiting += 1;
    return new Promise<Answer>((done, failed) => {
      this.#waiting.set(number, { done, failed });
      thread.worker.postMessage({ number, bytes, claims }, [bytes.buffer, claims.buffer]);
    }).finally(() => {
      thread.waiting -= 1;
    });
  }

  #idlest(): Thread {
    const idlest = this.#threads.toSorted((a, b) => a.waiting - b.waiting)[0];
    if (idlest !== undefined && (idlest.waiting === 0 || this.#threads.length >= this.#wanted)) return idlest;
    const worker = new Worker(signatureThread, { eval: true, resourceLimits, workerData: this.#keys.map(({ key }) => key) });
    const thread: Thread = { worker, waiting: 0 };
    worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.number);
      this.#waiting.delete(answer.number);
      waiting?.done(answer);
    });
    const ended = (error: Error) => {
      for (const { failed } of this.#waiting.values()) failed(error);
      this.#waiting.clear();
    };
    worker.once('error', (cause) => ended(new Error('a thread that checks signatures failed', { cause })));
    worker.once('exit', (code) => ended(new Error(`a thread that checks signatures ended with ${code}`)));
    this.#threads.push(thread);
    return thread;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    await Promise.allSettled(this.#batches);
  }
}
