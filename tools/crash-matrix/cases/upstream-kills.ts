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
import { Witness } from '../witness.ts';

interface Called {
  readonly tool: string;
  readonly answer: ToolAnswer;
}

const AT_ONCE = 6;

/** Before one MCP server over all restarts, with a session that goes on. */
class Run {
  readonly called = new Map<number, Called>();
  readonly #trial: Trial;
  readonly #folder: string;
  readonly data: string;
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

  killUpstream(): void {
    process.kill(Number(readFileSync(this.#pid, 'utf8')), 'SIGKILL');
  }
}

export const UPSTREAM_KILLS: Case = {
  name: 'upstream-killed',
  fault: 'kill -9 of the MCP server, or of pf run, in the middle of calls',
  async run(trial) {
    const { quick, random, tally } = trial;
    const run = new Run(trial);
    const witness = new Witness();
    witness.watch({ data: run.data, ledgerUrl: undefined });
    for (let round = 1; round <= (quick ? 3 : 12); round += 1) {
      const agent = await run.start();
      if (round > 1) tally.restarts += 1;
      const loading = run.load(agent);
      await sleep(between(random, 20, 500));
      const fabric = round % 3 === 0;
      if (fabric) agent.kill();
      else run.killUpstream();
      const exit = await agent.exited;
      await loading;
      tally.points += 1;
      if (!fabric && (exit.code !== 1 || !agent.errors.includes('upstream_ended')))
        tally.problems.push(`round ${round}: the end of the server was not told: ${JSON.stringify(exit)}`);
      await comeBack(trial, run, round);
      await examine(trial, run, witness, round);
    }
    tally.answered = [...run.called.values()].filter(({ answer }) => answer.kind !== 'none').length;
    witness.close();
  },
};

/** The agent comes back, and tries again what it does not know the outcome of. */
async function comeBack({ tally }: Trial, run: Run, round: number): Promise<void> {
  const agent = await run.start();
  tally.restarts += 1;
  for (const [number, { tool, answer }] of run.called) {
    const unknown =
      answer.kind === 'none' || (answer.kind === 'refused' && answer.code === 'OUTCOME_AMBIGUOUS');
    if (!unknown || tool !== 'post') continue;
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

async function examine(trial: Trial, run: Run, witness: Witness, round: number): Promise<void> {
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
    verify: round === 1,
  });
  const problems = [...examined.problems, ...heldAgainst(run, story.byArguments)];
  tally.problems.push(...problems.map((problem) => `round ${round}: ${problem}`));
  tally.inFlight = [...run.called.values()].filter(({ answer }) => answer.kind !== 'done').length;
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
  const posts = new Set<number>();
  for (const { tool, number } of happened) {
    const known = outcomes.get(digestJson(crypto, { number }));
    if (known === undefined || known.length === 0)
      yield `call ${number} happened, and nothing is on record of it`;
    if (tool !== 'post') continue;
    if (posts.has(number)) yield `call ${number}, of a tool that must not be repeated, happened twice`;
    posts.add(number);
  }
  for (const [number, { answer }] of run.called)
    if (answer.kind === 'done' && !outcomes.get(digestJson(crypto, { number }))?.includes('done'))
      yield `call ${number} was answered, and is not on record as done`;
}
