import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCrypto } from '@provability-fabric/evidence';
import {
  type Digest,
  digestJson,
  fromBase64,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import { decodeStatement } from '@provability-fabric/statements';
import { TENANT } from '../bundle.ts';
import { between, type Case, type Trial } from '../case.ts';
import { examineEvidence } from '../examine.ts';
import { McpAgent, type ToolAnswer } from '../mcp-agent.ts';
import { Said } from '../said.ts';
import { readFileEvidence } from '../stored-evidence.ts';
import { attachToKill } from '../strace.ts';
import { Witness } from '../witness.ts';

interface Called {
  readonly tool: string;
  readonly answer: ToolAnswer;
}

const AT_ONCE = 6;

function isUnknown(answer: ToolAnswer): boolean {
  return answer.kind === 'none' || (answer.kind === 'refused' && answer.code === 'OUTCOME_AMBIGUOUS');
}

/** Before one MCP server over all restarts, with a session that goes on. */
class Run {
  readonly called = new Map<number, Called>();
  readonly #trial: Trial;
  readonly #folder: string;
  readonly data: string;
  readonly #counted = new Set<number>();
  #next = 0;

  constructor(trial: Trial) {
    this.#trial = trial;
    this.#folder = trial.bench.folder;
    this.data = trial.bench.newFolder();
    writeFileSync(this.record, '');
  }

  get record(): string {
    return join(this.#folder, 'upstream-record');
  }

  get #pid(): string {
    return join(this.#folder, 'upstream-pid');
  }

  async start(): Promise<McpAgent> {
    const { bench } = this.#trial;
    const upstream = join(import.meta.dirname, '..', 'slow-upstream.mjs');
    const options = ['--bundle', bench.bundle('standard'), '--data', this.data, '--session', 'mcp'];
    const env = ['--env', bench.environment({}), '--tenant', TENANT];
    const command = [process.execPath, upstream, this.record, this.#pid];
    const agent = new McpAgent(bench.program, [...options, ...env, '--', ...command], this.#folder);
    await agent.open();
    return agent;
  }

  /** Calls until the program ends; every fifth call is of the tool that must not be repeated. */
  async load(agent: McpAgent): Promise<void> {
    const worker = async () => {
      while (agent.running) {
        const number = this.#next++;
        const tool = number % 5 === 0 ? 'post' : 'act';
        this.called.set(number, { tool, answer: await agent.call(tool, number) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** How many calls came to no known end since this was asked last. */
  unknown(): number {
    const numbers = [...this.called].filter(([, { answer }]) => isUnknown(answer)).map(([number]) => number);
    const found = numbers.filter((number) => !this.#counted.has(number));
    for (const number of found) this.#counted.add(number);
    return found.length;
  }

  get upstreamPid(): number {
    return Number(readFileSync(this.#pid, 'utf8'));
  }

  killUpstream(): void {
    process.kill(this.upstreamPid, 'SIGKILL');
  }
}

/** Ends the server or `pf run` while calls are under way. */
interface Strike {
  readonly victim: 'server' | 'pf run';
  readonly point: string;
  /** Resolves once nothing more can be done; whoever was not met is killed by then. */
  strike(run: Run, agent: McpAgent): Promise<void>;
}

async function struck(trial: Trial, strikes: Iterable<Strike>): Promise<void> {
  const { tally } = trial;
  const run = new Run(trial);
  const witness = new Witness();
  witness.watch({ data: run.data, ledgerUrl: undefined });
  let round = 0;
  for (const { victim, point, strike } of strikes) {
    round += 1;
    const agent = await run.start();
    if (round > 1) tally.restarts += 1;
    const loading = run.load(agent);
    await strike(run, agent);
    const exit = await agent.exited;
    await loading;
    tally.points += 1;
    tally.inFlight += run.unknown();
    if (victim === 'server' && (exit.code !== 1 || !agent.errors.includes('upstream_ended')))
      tally.problems.push(`${point}: the end of the server was not told: ${JSON.stringify(exit)}`);
    await comeBack(trial, run, round);
    await examine(trial, run, witness, { point, verify: round === 1 });
  }
  tally.answered = [...run.called.values()].filter(({ answer }) => answer.kind !== 'none').length;
  witness.close();
}

function* atRandom({ quick, random }: Trial): Generator<Strike> {
  for (let round = 1; round <= (quick ? 3 : 12); round += 1) {
    const victim = round % 3 === 0 ? 'pf run' : 'server';
    yield {
      victim,
      point: `round ${round}, ${victim}`,
      async strike(run, agent) {
        await sleep(between(random, 20, 500));
        if (victim === 'server') run.killUpstream();
        else agent.kill();
      },
    };
  }
}

const SERVER_CALLS = ['write', 'read', 'openat'] as const;
const RUN_CALLS = ['fdatasync', 'pwrite64', 'write', 'read'] as const;
const REACHED_MS = 5_000;

function* atCalls({ quick, random, tally }: Trial): Generator<Strike> {
  const points = [
    ...SERVER_CALLS.map((call) => ({ victim: 'server', call }) as const),
    ...RUN_CALLS.map((call) => ({ victim: 'pf run', call }) as const),
  ];
  for (const { victim, call } of points)
    for (let part = 0; part < (quick ? 1 : 4); part += 1) {
      const nth = between(random, 1, 6 * 3 ** part);
      const point = `${victim} at ${call} number ${nth}`;
      yield {
        victim,
        point,
        async strike(run, agent) {
          const pid = victim === 'server' ? run.upstreamPid : agent.pid;
          const tracing = await attachToKill([pid], { call, nth });
          const reached = await Promise.race([agent.exited, sleep(REACHED_MS)]);
          if (reached === undefined) {
            tally.missed += 1;
            tally.notes.push(`not reached: ${point}`);
            process.kill(pid, 'SIGKILL');
          }
          await tracing.detach();
        },
      };
    }
}

export const UPSTREAM_KILLS: readonly Case[] = [
  {
    name: 'upstream-random',
    fault: 'kill -9 of the MCP server, or of pf run, at random moments in the middle of calls',
    run: (trial) => struck(trial, atRandom(trial)),
  },
  {
    name: 'upstream-calls',
    fault: 'kill -9 of the MCP server, or of pf run, at what each reads, writes and syncs',
    needs: ['strace'],
    run: (trial) => struck(trial, atCalls(trial)),
  },
];

/** The agent comes back, and tries again what it does not know the outcome of. */
async function comeBack({ tally }: Trial, run: Run, round: number): Promise<void> {
  const agent = await run.start();
  tally.restarts += 1;
  for (const [number, { tool, answer }] of run.called) {
    if (!isUnknown(answer) || tool !== 'post') continue;
    const again = await agent.call('post', number);
    // Allowed where the first was never sent; refused for good while one of them may have happened.
    if (again.kind === 'done') run.called.set(number, { tool, answer: again });
  }
  const probe = await agent.call('act', -round);
  if (probe.kind !== 'done') tally.problems.push(`round ${round}: a new call was not answered`);
  run.called.set(-round, { tool: 'act', answer: probe });
  const exit = await agent.leave();
  if (exit.code !== 0) tally.problems.push(`round ${round}: ended with ${JSON.stringify(exit)}`);
}

async function examine(
  trial: Trial,
  run: Run,
  witness: Witness,
  { point, verify }: { readonly point: string; readonly verify: boolean },
): Promise<void> {
  const { tally } = trial;
  const scene = { folders: [run.data], ledger: undefined, ledgerUrl: undefined };
  // Who asked for what is known by its arguments: a relay makes the request ids itself.
  const story = await actions(run.data);
  const said = new Said();
  for (const certificate of story.certificates)
    said.asked.set(certificate, { session: 'mcp', requestId: '', tool: '' });
  const examined = await examineEvidence({
    ...scene,
    said: [said],
    witnesses: [witness],
    verify,
  });
  const problems = [...examined.problems, ...heldAgainst(run, story.byArguments)];
  tally.problems.push(...problems.map((problem) => `${point}: ${problem}`));
  tally.ambiguous = examined.ambiguous;
}

interface Story {
  readonly certificates: readonly Digest[];
  /** All outcomes of what was allowed, by the digest of its arguments. */
  readonly byArguments: ReadonlyMap<string, readonly string[]>;
}

const crypto = nodeCrypto();

async function actions(data: string): Promise<Story> {
  const { statements } = await readFileEvidence(data);
  const certificates = new Map<string, string>();
  const byArguments = new Map<string, string[]>();
  for (const { envelope } of statements) {
    const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
    const statement = decodeStatement(payloadType, fromBase64(payload));
    if (statement.type === 'permission-certificate') {
      certificates.set(statement.certificate_id, statement.action.args_digest);
      const before = byArguments.get(statement.action.args_digest);
      if (statement.effect === 'allow') byArguments.set(statement.action.args_digest, before ?? []);
    } else if (statement.type === 'outcome-certificate')
      byArguments.get(certificates.get(statement.certificate_id) ?? '')?.push(statement.outcome);
  }
  return { certificates: [...certificates.keys()] as Digest[], byArguments };
}

function* heldAgainst(run: Run, outcomes: Story['byArguments']): Generator<string> {
  const happened = readFileSync(run.record, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  const times = new Map<number, number>();
  for (const { number } of happened) times.set(number, (times.get(number) ?? 0) + 1);
  for (const [number, count] of times) {
    // Known to have failed is only what never happened: each time that it did is done, or nobody knows.
    const possible = outcomes.get(digestJson(crypto, { number }))?.filter((outcome) => outcome !== 'failed');
    if ((possible?.length ?? 0) < count)
      yield `call ${number} happened ${count} times, on record are ${outcomes.get(digestJson(crypto, { number }))}`;
  }
  const posts = new Set<number>();
  for (const { tool, number } of happened) {
    if (tool !== 'post') continue;
    if (posts.has(number)) yield `call ${number}, of a tool that must not be repeated, happened twice`;
    posts.add(number);
  }
  for (const [number, { answer }] of run.called)
    if (answer.kind === 'done' && !outcomes.get(digestJson(crypto, { number }))?.includes('done'))
      yield `call ${number} was answered, and is not on record as done`;
}
