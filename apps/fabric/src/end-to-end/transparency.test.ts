import { comparable, playFixedList, SERVER_EVERYTHING } from '@provability-fabric/gateway-mcp/transparency';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { statementsIn, verify } from './evidence-in.fixture.ts';
import { PfRun, temporaryFolder } from './pf-process.fixture.ts';
import { Program } from './program.fixture.ts';

beforeAll(buildPrograms);

describe('pf run before @modelcontextprotocol/server-everything', () => {
  it('changes no byte of a fixed list of calls but ids and times, and has each of them on record', async () => {
    const data = temporaryFolder();
    const [command, ...args] = SERVER_EVERYTHING;
    const direct = new Program(command, args, { cwd: data });
    const run = new PfRun(['--bundle', `${ROOT}/bundles/everything`, '--data', data], SERVER_EVERYTHING, {
      cwd: data,
    });
    const [without, through] = await Promise.all([playFixedList(direct.streams), playFixedList(run.streams)]);
    for (const program of [direct, run]) program.kill('SIGTERM');

    expect(comparable(through)).toEqual(comparable(without));
    expect(through.length).toBeGreaterThan(90);
    expect(await run.ended).toEqual({ code: 0, signal: null });
    const statements = await statementsIn(data);
    const decided = statements.filter(({ type }) => type === 'permission-certificate');
    const settled = statements.filter(({ type }) => type === 'outcome-certificate');
    expect(decided.length).toBeGreaterThan(40);
    expect(settled).toHaveLength(decided.length);
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });
});
