import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { gateList } from '../../packages/core/src/decision/gate-list.ts';
import { contractFileSchema } from '../../packages/core/src/policy/contract.ts';
import { packSchema } from '../../packages/core/src/policy/pack.ts';
import { type Shape, variableShapes } from '../../packages/core/src/policy/variable.ts';
import { fieldTable } from './schema-table.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');

function tableOf(schema: z.ZodType): string {
  return fieldTable(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>);
}

const contractExample = `apiVersion: govctl/v1
kind: Contract
contract_id: orders
dataset_id: orders
promotion_types: [raw_to_gdp, gdp_to_kpi]
policy_packs: [gdp-default]
required_checks: [not_null_orders_id, unique_orders_id]
min_quality_score: 0.95
max_evidence_age: 24h
requires_coverage: false
pending_audit: { owner: data-platform, sla: 24h }
`;

const approvalsText = `## Approvals

\`\`\`yaml
approvals: { quorum: 2, roles: [data-steward], overridable_rules: ["rule:gdp-default/no-errors"] }
\`\`\`

A promotion then waits (exit 8) until so many different people approved it, with each of the roles among them. A person holds a role who is granted it: \`govctl apikey add --actor HUMAN::grace --action promotion.read --action promotion.approve --action role.data-steward --dataset orders\` (whoever approves has to see what). Whoever may do everything (\`*\`) holds every role; whoever issues keys could act under all of them, so grant \`apikey.add\` to other people than those who promote.

- \`govctl promotion approve RUN --reason TEXT\` is good for that request, its snapshot, its target and the policy set it was judged by; once; for 24 hours (\`--for\`, 7 days at most). After a policy change it is void (\`approval-other-policy\`), and \`govctl why RUN\` says so.
- Never the one who asked, by whatever key; never a service; one person counts once.
- \`--overrides RULE\` sets aside a rule of \`overridable_rules\` that does not hold, when as many approvals list it as the quorum asks. Such a rule makes a promotion wait instead of denying it.
- \`govctl promotion reject RUN --reason TEXT\` ends it by a deny that names the person (\`decided_by: human\`). Where nobody comes until \`defer.max\` has passed, the deny is the clock's (\`decided_by: timeout\`).

What people say is a signed record in the evidence log, and among the facts of every decision that leans on it: a dry run, the gate and a replay come to the same answer.

## Waivers

\`govctl waiver add RULE --dataset orders --to GDP --for 7d --reason TEXT\` sets a rule of a pack, \`quality\` or \`freshness\` aside for a dataset, a layer or a snapshot of it, for 90 days at most. Only people may, with the grant \`waiver.add\`. Gates of integrity, the single writer and scope cannot be waived, nor quality evidence that contradicts itself, nor a rule its pack calls \`waivable: false\`. A waived rule never passes: it is \`not_required\` with the reason \`waived\`, the decision lists it under \`exceptions\`, and it is good no longer than the waiver. \`govctl waiver ls --expiring 7d\` says what has to be mended soon; after \`waiver revoke\` open promotions are judged again.

`;

/** What a contract can say, and how it comes to hold. */
export function contractPage(): string {
  return [
    '# Contracts\n\nA contract says what a dataset owes before it is promoted. Without one nothing is: every gate that reads it denies.\n\n',
    `\`\`\`yaml\n${contractExample}\`\`\`\n\n`,
    '`govctl contract apply -f contract.yaml` pins the packs to the digests that are active, spells out every default and keeps the result as the next version, with a record of it in the evidence log. The same content again is no change. Versions are never changed; `govctl contract diff orders` shows what the newest one changed.\n\n',
    'The file is closed: an unknown field is an error, and every error is told at once, with its line. What this version cannot meet is refused by name: `bundle_to_active`, `defer.then: escalate`, more signers than keys are enrolled, a pack that is not active, a second contract for a dataset.\n\n',
    approvalsText,
    `## Fields\n\n${tableOf(contractFileSchema)}\n`,
    '## How it is judged\n\n| gate | asks | if not |\n|---|---|---|\n',
    ...gateList.map(({ code, asks, otherwise }) => `| \`${code}\` | ${asks.replaceAll('|', '\\|')} | ${otherwise} |\n`),
    '\n`govctl gate explain CODE` shows every answer of a gate with an example and the command that mends it.\n',
  ].join('');
}

function shapeText(shape: Shape): string {
  if (typeof shape === 'string') return shape;
  return Array.isArray(shape) ? `list of ${shapeText(shape[0] as Shape)}` : 'map';
}

function variableRows(shape: Shape, path: string): string[] {
  const inner = Array.isArray(shape) ? (shape[0] as Shape) : shape;
  const at = Array.isArray(shape) ? `${path}[]` : path;
  const fields = typeof inner === 'string' ? [] : Object.entries(inner as { readonly [field: string]: Shape });
  return [`| \`${path}\` | ${shapeText(shape)} |\n`, ...fields.flatMap(([field, of]) => variableRows(of, `${at}.${field}`))];
}

/** How rules are written, shown to say what they should, and put into force. */
export function policyPage(): string {
  const example = readFileSync(join(fixtures, 'policy', 'gdp-default.yaml'), 'utf8');
  return [
    '# Policies\n\nA policy pack is a YAML file of rules. A rule is a [CEL](https://cel.dev) expression over what the gates look at: it sees nothing else, has no clock and no network, and always ends. Contracts name packs, and pin them by the digest of the file, byte for byte.\n\n',
    '`govctl policy lint` finds everything that is wrong with the form, and every name and field that does not exist. `govctl policy test` runs the fixtures: each rule must pass what it must pass and fail what it must fail, and have both. Neither needs a daemon. `govctl policy activate` asks the same again, stores the pack and moves `policy_rev`, the digest of the active set; the change is recorded (`POLICY_REV_CHANGED`), told as `policy.rev.changed`, and every promotion that waits is judged again.\n\n',
    'A contract that pins another version of the pack keeps its pin: its promotions wait (`pack-not-active`) until it is applied again.\n\n`govctl policy deactivate PACK --reason TEXT` takes a pack out of force, recorded and told the same way. A job that it judges pauses before its next step (`POLICY_DISABLED`, `policy_change`) until an administrator resumes it, and is denied if it comes to its end meanwhile; promotions under a contract that pins it wait. It stays stored: `govctl policy show PACK --source`, then `govctl policy activate`, puts it into force again.\n\n',
    '`govctl policy replay --candidate pack.yaml --last 30d` says beforehand which past decisions would have come out otherwise: recorded facts are decided again by the same kernel, with the candidate in place of the pack of its name. Exit 22 when a verdict would flip. A rule with `effective_on` warns until then; `govctl promote ... --dry-run --effective-time 2027-01-01T00:00:00Z` judges as of a moment when it is in force.\n\n',
    `## Example\n\n\`\`\`yaml\n${example}\`\`\`\n\n`,
    `## Fields\n\n${tableOf(packSchema)}\n`,
    '## Variables\n\nTimes are RFC 3339 text: `timestamp(now) - timestamp(snapshot.created_at) < duration("1h")`. What is not known is null.\n\n| variable | type |\n|---|---|\n',
    ...Object.entries(variableShapes).flatMap(([name, shape]) => variableRows(shape, name)),
  ].join('');
}
