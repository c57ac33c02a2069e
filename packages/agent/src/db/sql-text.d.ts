/** Migrations are readable .sql files; the bundler and the test runner inline them as text. */
declare module '*.sql' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: the shape of an imported text file
  export default text;
}
