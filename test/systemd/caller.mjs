// Runs inside a booted machine: asks govd over its socket, one new connection after the other, until standard input ends. Prints a
// dot for every answer, and at the end how many there were and what went wrong.
import { request } from 'node:http';

const [socketPath] = process.argv.slice(2);
const seen = { answered: 0, wrong: [] };
let over = false;
process.stdin.resume().once('end', () => {
  over = true;
});

function ask() {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/healthz', agent: false, headers: { host: 'govd' } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200 ? null : `status ${response.statusCode}`));
    });
    asked.once('error', (error) => resolve(error.code ?? error.message)).end();
  });
}

do {
  const wrong = await ask();
  if (wrong !== null) seen.wrong.push(wrong);
  else {
    seen.answered += 1;
    process.stdout.write('.');
  }
} while (!over);
process.stdout.write(`\n${JSON.stringify(seen)}`);
