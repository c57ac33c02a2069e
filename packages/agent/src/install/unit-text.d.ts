/** Units are readable files under packaging/; the bundler and the test runner inline them as text. */
declare module '*.service' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: the shape of an imported text file
  export default text;
}
declare module '*.socket' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: likewise
  export default text;
}
declare module '*.conf' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: likewise
  export default text;
}
