/** A name or header that came with the data, as a sentence may repeat it: on one line, without control characters, and not long. */
export function quoted(text: string, most = 48): string {
  const plain = text
    .replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll("'", '’')
    .trim();
  const letters = [...plain];
  return `'${letters.length <= most ? plain : `${letters.slice(0, most - 1).join('')}…`}'`;
}
