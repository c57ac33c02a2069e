// Runs inside a booted machine: asks govd over its socket, one new connection after the other, until standard input ends or the time is
// over; prints how many were answered, and what went wrong.
import { request } from 'node:http';

const [socketPath, seconds] = process.argv.slice(2);
const until = Date.now() + Number(seconds) * 1000;
const seen = { answered: 0, slowest_ms: 0, wrong: [] };

function ask() {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/healthz', agent: false, headers: { host: 'govd' } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200 ? null : `status ${response.statusCode}`));
    });
    asked.once('error', (error) => resolve(error.code ?? error.message)).end();
  });
}

while (Date.now() < until) {
  const started = Date.now();
  const wrong = await ask();
  seen.slowest_ms = Math.max(seen.slowest_ms, Date.now() - started);
  if (wrong === null) seen.answered += 1;
  else seen.wrong.push(wrong);
}
process.stdout.write(JSON.stringify(seen));
