import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');

/** A command line that somebody may be told to type. */
export type Told = {
  readonly where: string;
  /** As it stands there; `‹name›` is a value that is filled in, named by the expression it comes from. */
  readonly line: string;
};

/** Names under which the product keeps what it tells people to do. */
const telling = new Set(['hint', 'fix', 'command', 'resolve', 'mend', 'otherwise', 'why']);

/**
 * Every command line that errors, findings, gates, help and the operating manual can print: literals of the sources in telling places,
 * commands of policy packs, and shell blocks of the documentation. Read from the source of truth, so that nobody has to remember a list.
 */
export function toldCommands(): Told[] {
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).filter((file) => !/\.(test|fixture|contract)\.ts$/.test(file));
  return [
    ...sources.flatMap(inSource),
    ...globSync('fixtures/**/*.yaml', { cwd: root, exclude: (name) => name.includes('node_modules') }).flatMap(inPack),
    ...[...globSync('docs/operations/*.md', { cwd: root }), 'README.md'].flatMap(inPage),
  ];
}

function inSource(file: string): Told[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const told: Told[] = [];
  const visit = (node: ts.Node, tells: boolean) => {
    const here = tells || nameOf(node);
    const text = here ? textOf(node) : undefined;
    if (text !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      told.push(...linesIn(text).map((command) => ({ where: `${file}:${line + 1}`, line: command })));
    }
    // What a template puts in is a value, not a sentence; what it calls may be one.
    if (text === undefined) ts.forEachChild(node, (child) => visit(child, here));
  };
  visit(source, false);
  return told;
}

/** Whether what stands below is told to people: by the name of a property, variable, parameter or function. */
function nameOf(node: ts.Node): boolean {
  const named = ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) ? node.name : undefined;
  if (named !== undefined && ts.isIdentifier(named)) return telling.has(named.text) || /^(readiness)?mends?$|hint|fix/i.test(named.text);
  // warn(name, detail, fix), usage(detail, hint), fail(reason, who, command): the last words are what to do.
  return (
    ts.isCallExpression(node) &&
    node.arguments.length >= 2 &&
    !/\b(describe|it|test|expect|option|requiredOption)$/.test(node.expression.getText())
  );
}

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map((span) => `‹${valueName(span.expression)}›${span.literal.text}`).join('');
}

/** `run.run_id` is a run_id. */
function valueName(expression: ts.Expression): string {
  return /([A-Za-z_]+)\W*$/.exec(expression.getText())?.[1] ?? 'value';
}

function inPack(file: string): Told[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((text, at) => {
    const command = /\bcommand: *['"]?(gov(?:ctl|d) [^'"}]+)/.exec(text)?.[1];
    return command === undefined ? [] : linesIn(command).map((line) => ({ where: `${file}:${at + 1}`, line }));
  });
}

function inPage(file: string): Told[] {
  const told: Told[] = [];
  let inBlock = false;
  for (const [at, text] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
    if (/^\s*```/.test(text)) inBlock = !inBlock && /^\s*```(sh|bash|console)/.test(text);
    else if (inBlock) told.push(...linesIn(text.replace(/(^|\s)#.*$/, '')).map((line) => ({ where: `${file}:${at + 1}`, line })));
  }
  return told;
}

/** The command lines in a sentence: each from its program to where the sentence goes on. */
function linesIn(text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?<![\w/.-])(govctl|govd) (?!govd )(?=[a-z-])/g)) {
    const rest = text.slice(match.index);
    const end =
      /;|\n| && | \|\|? | <<? ?(?=[\w']+)|, | > | \(|\)|(?<=\S): |`|(?<!\.\.)\.$| or (?=[a-z])|$/.exec(quotedAway(rest))?.index ??
      rest.length;
    const line = rest.slice(0, end).trim();
    found.push(line);
  }
  return found.filter(isCommand);
}

/** The same text with what is quoted made harmless, so that its punctuation ends nothing. */
function quotedAway(text: string): string {
  return text.replace(/"[^"]*"|'[^']*'|\$\([^)]*\)/g, (quoted) => 'x'.repeat(quoted.length));
}

/** `govd` and `govctl` are also subjects of sentences: "govd reads requests". A command has a name that exists, or a flag. */
function isCommand(line: string): boolean {
  const [program, first = ''] = line.split(' ');
  return program === 'govctl'
    ? !/^(reads|speaks|made|itself|finds|makes|looks|does|is|and|knows|asks|of)$/.test(first)
    : !/^(of|that|which|is|may|and)$/.test(first) && (/^(init|run|migrate|log|doctor|version)$/.test(first) || / --/.test(line));
}

/** Words of a command line, as a shell would cut them. */
export function wordsOf(line: string): string[] {
  return [...line.replace(/\$\([^)]*\)/g, '$X').matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, a?: string, b?: string) => a ?? b ?? ''),
  );
}
