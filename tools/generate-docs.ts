// Writes the pages that are made from declarations: commands, routes, documents, errors, configuration. With --check it writes
// nothing and fails when a page is not what the declarations say.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { environmentVariables } from '../packages/cli/src/help/environment.ts';
import { program } from '../packages/cli/src/program.ts';
import { exitCodes } from '../packages/core/src/api/exit-code.ts';
import { openapiDocument } from '../packages/core/src/api/openapi.ts';
import { routeList } from '../packages/core/src/api/route-list.ts';
import { configKinds } from '../packages/core/src/config/index.ts';
import { documentSchemas } from '../packages/core/src/document/index.ts';
import { apiPage, documentsPage, errorsPage } from './docs/api-page.ts';
import { cliPages } from './docs/cli-page.ts';
import { daemonCommandLine } from './docs/daemon.ts';
import { eventsPage } from './docs/events-page.ts';
import { jobPage } from './docs/job-page.ts';
import { manPages } from './docs/man-page.ts';
import { contractPage, policyPage } from './docs/policy-page.ts';
import { qualityPage } from './docs/quality-page.ts';
import { schemaPages } from './docs/schema-page.ts';
import { fieldTable } from './docs/schema-table.ts';

const docs = join(import.meta.dirname, '..', 'docs');
const mark = '<!-- Made by npm run docs; edit the declarations instead. -->\n\n';
const { version } = JSON.parse(readFileSync(join(docs, '..', 'packages', 'agent', 'package.json'), 'utf8')) as { version: string };

function configurationPage(): string {
  const table = (kind: keyof typeof configKinds) =>
    fieldTable(z.toJSONSchema(configKinds[kind], { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>);
  const variables = environmentVariables().map(({ name, meaning }) => `| \`${name}\` | ${meaning.replaceAll('|', '\\|')} |\n`);
  return [
    '# Configuration\n\nBoth files are closed: an unknown setting is an error. `govctl config validate FILE` lists everything that is wrong, with path and line; `govctl config show FILE --effective --origin` shows what counts and why.\n\n',
    `## govd.yaml\n\nIn the state folder of the daemon, \`kind: GovdConfig\`.\n\n${table('GovdConfig')}\n`,
    `## govctl's config.yaml\n\n\`~/.config/govctl/config.yaml\` or the file \`GOVCTL_CONFIG\` names, \`kind: CliConfig\`. Relative paths are relative to the file.\n\n${table('CliConfig')}\n`,
    `## Environment of govctl\n\n| variable | |\n|---|---|\n${variables.join('')}`,
  ].join('');
}

/** A line a path: small, and a change shows where it is. */
function openapiText(): string {
  const { paths, ...head } = openapiDocument(routeList, version);
  const lines = Object.entries(paths as Record<string, unknown>).map(([path, item]) => `${JSON.stringify(path)}: ${JSON.stringify(item)}`);
  return `${JSON.stringify(head).slice(0, -1)},"paths":{\n${lines.join(',\n')}\n}}\n`;
}

const daemon = await daemonCommandLine();
const pages = new Map<string, string>([
  ...[...cliPages(program)].map(([path, text]) => [path, mark + text] as const),
  ['api.md', mark + apiPage(routeList)],
  ['documents.md', mark + documentsPage(routeList, documentSchemas())],
  ['errors.md', mark + errorsPage(routeList, exitCodes)],
  ['events.md', mark + eventsPage()],
  ['configuration.md', mark + configurationPage()],
  ['contract.md', mark + contractPage()],
  ['job.md', mark + jobPage()],
  ['policy.md', mark + policyPage()],
  ['quality.md', mark + qualityPage()],
  ['api/openapi.json', openapiText()],
  ...manPages(program, daemon.program, daemon.exits, version),
  ...[...schemaPages()].map(([path, text]) => [path, path.endsWith('.md') ? mark + text : text] as const),
]);

const tidy = (text: string) => `${text.replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
const stale = [...pages].filter(([path, text]) => !existsSync(join(docs, path)) || readFileSync(join(docs, path), 'utf8') !== tidy(text));
// A command or a kind that is gone must not leave its page behind.
const left = ['cli', 'schema', 'man']
  .flatMap((folder) => (existsSync(join(docs, folder)) ? readdirSync(join(docs, folder)).map((name) => `${folder}/${name}`) : []))
  .filter((path) => !pages.has(path));

if (process.argv.includes('--check')) {
  for (const [path] of stale) process.stderr.write(`docs/${path} is not what the declarations say\n`);
  for (const name of left) process.stderr.write(`docs/${name} describes nothing there is\n`);
  if (stale.length + left.length > 0) {
    process.stderr.write('fix: npm run docs\n');
    process.exitCode = 1;
  }
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(docs, path)), { recursive: true });
    writeFileSync(join(docs, path), tidy(text));
  }
  for (const name of left) rmSync(join(docs, name));
  process.stdout.write(`${pages.size} pages, ${stale.length} renewed, ${left.length} removed\n`);
}
