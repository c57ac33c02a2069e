import type { RouteList, RouteResponse } from '@govctl/core/api';
import type { GateAnswer, Subject } from '@govctl/core/decision';
import type { Paint } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines } from './gate-answer.ts';
import { grid } from './grid.ts';
import { pairs } from './text.ts';

type GateCheck = GateAnswer & {
  readonly asks: string;
  readonly subject: Subject | { readonly action: string; readonly object_key: string };
  readonly as_of: string;
  readonly policy_rev?: string | null;
};

export function gateListTable(document: Document, paint: Paint): string {
  const { items } = document as unknown as RouteResponse<RouteList['gate.ls']>;
  return grid(
    ['code', 'asks', 'otherwise', 'only on'],
    items.map(({ code, asks, otherwise, gate_sets }) => [code, asks, otherwise, gate_sets.length === 1 ? gate_sets[0] : '']),
    paint,
  );
}

export function gateCheckTable(document: Document, paint: Paint): string {
  const check = document as unknown as GateCheck;
  const { subject, as_of, policy_rev } = check;
  return [
    'action' in subject
      ? `${subject.action} ${subject.object_key}: one gate of four\n`
      : `${subject.dataset_id} ${subject.from_layer} -> ${subject.to_layer}, snapshot ${subject.snapshot_id}: one gate of many\n`,
    answerLines([check], paint, { full: true }),
    pairs(
      [
        ['reason code', check.reason_code],
        ['judged as of', as_of],
        ...(policy_rev === undefined ? [] : [['policy_rev', policy_rev ?? 'no policy set is active'] as [string, string]]),
      ],
      paint,
    ),
  ].join('');
}

type Example = Pick<GateAnswer, 'outcome' | 'reason_code' | 'reason' | 'expected' | 'actual' | 'resolve'>;
type GateExplanation = {
  readonly code: string;
  readonly asks: string;
  readonly otherwise: string;
  readonly answers?: readonly Example[];
  readonly message?: string;
  readonly resolve?: { readonly who: string; readonly command: string };
  readonly on?: readonly string[];
  readonly effective_on?: string | null;
  readonly max_age?: string | null;
  readonly pack?: { readonly name: string; readonly version: string; readonly digest: string; readonly active: boolean };
};

/** A gate with an example of every answer it can give, or a rule as its pack has it. */
export function gateExplanationTable(document: Document, paint: Paint): string {
  const { code, asks, otherwise, answers = [], message, resolve, on, effective_on, max_age, pack } = document as unknown as GateExplanation;
  const optional = (name: string, value: unknown): [string, unknown][] => (value === undefined || value === null ? [] : [[name, value]]);
  const head = pairs(
    [
      ['asks', asks],
      ['otherwise', otherwise],
      ...optional('says', message),
      ...optional('asked on', on),
      ...optional('in force from', effective_on),
      ...optional('evidence at most', max_age),
      ...optional('fix', resolve === undefined ? undefined : `${resolve.command}   (${resolve.who})`),
      ...optional(
        'pack',
        pack === undefined ? undefined : `${pack.name} ${pack.version}${pack.active ? '' : ', not active'}, ${pack.digest}`,
      ),
    ],
    paint,
  );
  if (answers.length === 0) return `${paint.strong(code)}\n${head}`;
  const lines = answerLines(
    answers.map((answer) => ({ ...answer, code: answer.reason_code, evidence: [] })),
    paint,
    { full: true },
  );
  return `${paint.strong(code)}\n${head}${paint.strong('its answers, each with an example')}\n${lines}`;
}
