import { z } from 'zod';

const sentence = z
  .string()
  .max(200)
  .regex(/^\p{Lu}.*\.$/u, 'a sentence');
const word = z.string().regex(/^[a-z0-9]+( [a-z0-9]+)*$/, 'lower-case words, as headers are compared');

/** One thing worth a look. It says what is, never what will be: a watch list is finite advice, not a forecast. */
const watchItemSchema = z.strictObject({
  id: z.string().regex(/^[a-z]+(-[a-z]+)*$/),
  watch: z
    .string()
    .max(80)
    .regex(/^\p{Lu}.*[^.]$/u, 'a short line without a full stop')
    .describe('What to watch.'),
  why: sentence.describe('Why it is worth a look.'),
  sign: sentence.describe('The sign to look for, in the documents themselves.'),
  terms: z.array(word).max(16).default([]).describe('Words of headers that make the item more to the point.'),
});

/** An industry with its watch items, most useful first. */
export const industrySchema = z.strictObject({
  industry: z.string().regex(/^[a-z]+(_[a-z]+)*$/),
  title: z.string().min(1).max(40),
  aliases: z.array(word).max(40).describe('What a business profile may call it.'),
  strong: z.array(word).max(60).describe('One of these words is enough to know it by.'),
  weak: z.array(word).max(60).describe('Two of these are.'),
  items: z.array(watchItemSchema).min(4).max(8),
});
export type Industry = z.input<typeof industrySchema>;
