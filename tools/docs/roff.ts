/** Pages say nothing of the day they were made on: they change when the declarations do. */
const revised = '2026-11-26';

/** Text as roff prints it: nothing in it is a request, an escape or a typographer's quote. */
function roff(text: string): string {
  const special: Readonly<Record<string, string>> = { '\\': '\\e', '-': '\\-', '~': '\\(ti', '^': '\\(ha', '`': '\\(ga', "'": '\\(aq' };
  return text
    .replace(/[\\\-~^`']/g, (character) => special[character] ?? character)
    .replace(/[^\n -~]/gu, (character) => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`)
    .replace(/^\./gm, '\\&.');
}

const quoted = (text: string) => `"${roff(text).replaceAll('"', '\\(dq')}"`;

export type ManPage = { readonly name: string; readonly section: number; readonly summary: string; readonly body: readonly string[] };

/** A whole page; `body` are its sections after NAME. */
export function manPage({ name, section, summary, body }: ManPage, version: string): string {
  const head = `.TH ${quoted(name.toUpperCase())} ${section} ${revised} ${quoted(`govctl ${version}`)} ${quoted('govctl manual')}`;
  return [head, '.SH NAME', `${roff(name)} \\- ${roff(summary)}`, ...body, ''].join('\n');
}

export function heading(title: string): string {
  return `.SH ${quoted(title)}`;
}

export function subheading(title: string): string {
  return `.SS ${quoted(title)}`;
}

/** Paragraphs: a line of text may be as long as it is, roff fills it. */
export function paragraphs(text: string): string[] {
  return text.split(/\n\s*\n/).flatMap((part, index) => [...(index === 0 ? [] : ['.PP']), roff(part.trim())]);
}

/** A term and what it means. */
export function item(term: string, meaning: string): string[] {
  return ['.TP', `\\fB${roff(term)}\\fR`, meaning === '' ? '\\&' : roff(meaning)];
}

/** Lines as they are. */
export function literal(lines: readonly string[]): string[] {
  return ['.PP', '.nf', ...lines.map((line) => (line === '' ? '\\&' : roff(line))), '.fi'];
}

export function seeAlso(pages: readonly (readonly [name: string, section: number])[]): string[] {
  return [
    heading('SEE ALSO'),
    ...pages.map(([name, section], index) => `.BR ${quoted(name)} (${section})${index === pages.length - 1 ? '' : ' ,'}`),
  ];
}
