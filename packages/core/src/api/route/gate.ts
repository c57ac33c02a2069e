import { z } from 'zod';
import { decisionDocument, gateSets } from '../../decision/decision.ts';
import { factsDocument } from '../../decision/facts.ts';
import { document } from '../common.ts';
import { defineRoutes } from '../route.ts';

export const gateListDocument = document('GateList', {
  items: z.array(
    z.object({
      code: z.string(),
      /** The question, in one sentence. */
      asks: z.string(),
      /** What an answer other than yes comes to. */
      otherwise: z.string(),
      gate_sets: z.array(z.enum(gateSets)),
    }),
  ),
});

/** The gates of the kernel, and the kernel itself for facts that somebody brings. */
export const gateRoutes = defineRoutes({
  'gate.ls': {
    method: 'GET',
    path: '/v1/gates',
    summary: 'Every structural gate: what it asks, and what comes of another answer',
    action: 'gate.read',
    listener: 'operator',
    response: gateListDocument,
    problems: [],
  },
  'decision.evaluate': {
    method: 'POST',
    path: '/v1/decisions/evaluate',
    summary: 'Decide the facts in the body, and nothing else: nothing is read, nothing is recorded',
    action: 'decision.evaluate',
    listener: 'operator',
    body: factsDocument,
    response: decisionDocument,
    bodyLimit: 16 * 1024 * 1024,
    problems: ['digest-mismatch', 'unprocessable'],
  },
});
