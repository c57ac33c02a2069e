import { describe, expect, it } from 'vitest';
import { prefersHtml } from './accept.ts';

describe('a page or a document', () => {
  it.each([
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['text/html', true],
    ['TEXT/HTML; q=0.5, application/json;q=0.4', true],
    ['text/*;q=0.9, */*;q=0.1', true],
    [undefined, false],
    ['*/*', false],
    ['application/json, application/problem+json, */*', false],
    ['text/html;q=0.3, application/json', false],
    ['text/html;q=0', false],
    ['text/html;q=0, */*', false],
    ['text/html;q=nonsense', false],
    ['', false],
  ])('%s: page %s', (accept, page) => expect(prefersHtml(accept)).toBe(page));
});
