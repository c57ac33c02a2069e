import('../dist/main.js').catch((error) => {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write('error[not-built]: govd is not built yet\nfix: npm run build\n');
  process.exitCode = 1;
});
