// Replays a million events twice on this Node and once on Node 22, and compares the digest over all of them.
// `node tools/replay-million.mjs [EVENTS]`; takes minutes.
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';

const EVENTS_PER_SESSION = 100;
const events = Number(process.argv[2] ?? 1_000_000);
const sessions = Math.ceil(events / EVENTS_PER_SESSION);
const args = ['apps/pfctl/bin/pfctl.mjs', 'replay', '--bundle', 'bundles/quickstart', '--trace', '-'];
const runs = [
  ['this Node', process.execPath, []],
  ['this Node, again', process.execPath, []],
  ['Node 22', 'npx', ['--yes', '-p', 'node@22', 'node']],
];

/** A trace a line, made as it is read: nobody holds a million events. */
function* traces() {
  const principal = { id: 'agent', roles: ['support'], org: 'acme', tenant: 'acme', attributes: {} };
  for (let session = 0; session < sessions; session += 1) {
    const all = Array.from({ length: EVENTS_PER_SESSION }, (_, event) => eventAt(session, event));
    const prompt = `answer customer-${session}@shop.example`;
    yield `${JSON.stringify({ session: `s${session}`, principal, prompt, events: all })}\n`;
  }
}

function eventAt(session, event) {
  const at = new Date(1_767_225_600_000 + event * 110_000).toISOString();
  const call = (tool, parts, result) => ({ at, action: 'call', tool, args: parts, result });
  if (event % 10 === 9)
    return call(
      'send_mail',
      { to: `customer-${session + (event % 3)}@shop.example`, body: `${event}` },
      'sent',
    );
  const path = event % 4 === 3 ? `customers/acme/${event}.md` : `tickets/${(session * event) % 977}.txt`;
  return call(
    'read_text_file',
    { path },
    `Ticket ${session}: please pay ${event * 3}.50 by 2026-02-${10 + (event % 18)}`,
  );
}

function run(command, prefix) {
  const started = performance.now();
  const child = spawn(command, [...prefix, ...args, '--summary', '--format', 'json'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  Readable.from(traces()).pipe(child.stdin);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (code) => {
      // Some events are refused, as they should be.
      if (code !== 0 && code !== 2) return failed(new Error(`expected a replay, came exit code ${code}`));
      const { summary, digest } = JSON.parse(said);
      done({ summary, digest, seconds: (performance.now() - started) / 1000 });
    });
  });
}

const digests = new Set();
for (const [name, command, prefix] of runs) {
  const { summary, digest, seconds } = await run(command, prefix);
  digests.add(digest);
  const rate = (summary.events / seconds).toFixed(0);
  console.log(
    `${name}: ${summary.events} events, ${summary.accepted} accepted, ${rate} events/s, digest ${digest}`,
  );
}
if (digests.size !== 1) {
  console.error('expected one digest from every replay');
  process.exitCode = 1;
}
