import {
  type Decision,
  formatHandle,
  handleFacts,
  type Input,
  initialState,
  loadBundle,
  parseCompiledBundle,
  step,
} from '@provability-fabric/policy';
import { describe, expect, it } from 'vitest';
import { CLEAR, HANDLE_CASES, handles } from './handle-cases.fixture.ts';
import { compiled, crypto, findingsOf, PARTS, sourcesWith, unmarked } from './sources.fixture.ts';

const RULE = `{ tool: read_file, field: day, types: [enum, date, date], of: [team], label: ${CLEAR} }`;
const FULL_MEMBERS = `clearance: ${CLEAR}, roles: [{ roles: [b, a, a], clearance: { level: secret, integrity: untrusted } }], extract: [${RULE}]`;
const FULL = handles(FULL_MEMBERS);

describe('handles', () => {
  it.each(HANDLE_CASES)('are refused with %s: %s', async (code, _about, parts) => {
    const { sources, place } = unmarked(sourcesWith(parts));
    expect(await findingsOf(sources)).toEqual([`${code} at ${place}`]);
  });

  it('compile to one form, with the fabric’s own tool among the tools', async () => {
    const { bundle } = await compiled(sourcesWith(FULL));
    const clearance = { level: 'internal', compartments: [], integrity: 'trusted' };
    expect(bundle.handles).toEqual({
      clearance,
      roles: [
        { roles: ['a', 'b'], clearance: { level: 'secret', compartments: [], integrity: 'untrusted' } },
      ],
      extract: [
        { tool: 'read_file', field: '/day', types: ['date', 'enum'], of: ['team'], label: clearance },
      ],
    });
    expect(bundle.tools.fabric_extract).toMatchObject({ effect: 'read', returns: clearance });
    const { bundle: plain } = await compiled(sourcesWith());
    expect(plain).not.toHaveProperty('handles');
    expect(plain.hashes.labeler).not.toBe(bundle.hashes.labeler);
    const { bundle: hides } = await compiled(sourcesWith(handles(`clearance: ${CLEAR}`)));
    expect(hides.tools).not.toHaveProperty('fabric_extract');
  });

  it('let clauses, permits and parameters name the fabric’s own tool', async () => {
    const tools = PARTS.tools.replace('from: [prompt,', 'from: [prompt, { result: fabric_extract },');
    const clauses = `${PARTS.clauses}  - { id: few, kind: limit, on: { tools: [fabric_extract], effects: [read] }, max: 3 }\n`;
    const policy = `${PARTS.policy}\n@id("taking-out")\npermit (principal, action, resource == Tool::"fabric_extract");\n`;
    expect(await findingsOf(sourcesWith({ ...handles(FULL_MEMBERS, { clauses }), tools, policy }))).toEqual(
      [],
    );
    expect(await findingsOf(sourcesWith({ clauses }))).toEqual([expect.stringContaining('UNKNOWN_TOOL')]);
  });

  it('of a compiled bundle that no compiler of ours wrote are refused by name', async () => {
    const { bundle } = await compiled(sourcesWith(FULL));
    const read = (change: object) => () => parseCompiledBundle({ ...bundle, ...change } as never);
    const { handles: rules, tools } = bundle;
    const { fabric_extract: own, ...others } = tools;
    expect(read({})).not.toThrow();
    for (const change of [
      { handles: null },
      { handles: { ...rules, more: 1 } },
      { handles: { ...rules, clearance: { level: 'internal' } } },
      { handles: { ...rules, extract: [{ ...rules?.extract[0], tool: 'nobody' }] } },
      { handles: { ...rules, extract: [{ ...rules?.extract[0], of: [] }] } },
      { handles: { ...rules, extract: [{ ...rules?.extract[0], of: ['nobody'] }] } },
      { tools: others },
      { tools: { ...others, fabric_extract: { ...own, returns: { ...own?.returns, level: 'public' } } } },
    ])
      expect(read(change)).toThrow(/BUNDLE|expected .* at `bundle\.(?:handles|tools)/);
  });

  it('are an error for the policies that look at what they stand for, and for no other', async () => {
    const policy = `@id("all")
permit (principal, action, resource);

@id("no-strangers")
forbid (principal, action == Action::"call", resource == Tool::"send_mail")
when { context.args has to && context.args.to like "*@else.example" };

@id("not-among")
forbid (principal, action == Action::"call", resource == Tool::"send_mail")
when { context.args has cc && context.args.cc.contains("x@else.example") };
`;
    const schema = '';
    const clauses =
      'clauses:\n  - { id: labels, kind: flow, rule: session_label, on: { effects: [egress, write] } }\n  - { id: arguments, kind: flow, rule: parameters, on: { effects: [read] } }\n';
    const tools = `tools:
  read_mail: { effect: read, returns: { level: internal, integrity: untrusted } }
  send_mail: { effect: egress, returns: { level: public, integrity: trusted }, clearance: { level: internal, integrity: untrusted } }
`;
    const sources = sourcesWith({
      ...handles(`clearance: ${CLEAR}`, { clauses }),
      tools,
      policy,
      schema,
      tests: '',
      stores: '',
      documents: '',
    });
    const bundle = loadBundle((await compiled(sources)).bundle, crypto);
    let state = initialState(bundle);
    const feed = (input: Input) => {
      const stepped = step(bundle, state, input);
      state = stepped.state;
      return stepped.output;
    };
    const environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null } as const;
    const principal = { id: 'a', roles: [], org: 'acme', tenant: 'acme', attributes: {} };
    feed({ kind: 'open', at: 1, tenant: 'acme', session: 's', principal: 'a', environment, epoch: 1 });
    const ask = (id: string, target: string, args: object) =>
      feed({
        kind: 'intent',
        at: 2,
        certificate_id: id,
        principal,
        capability: null,
        action: { kind: 'call', target, args: args as never },
        epoch: 1,
        attributes: {},
      }) as Decision;
    ask('1', 'read_mail', {});
    const came = { certificate_id: '1', outcome: 'done', result: 'x@ours.example' } as const;
    const facts = handleFacts(bundle, state, came, () => formatHandle(new Uint8Array(20)));
    feed({ kind: 'outcome', at: 3, ...came, ...(facts && { handles: facts }) });
    const handle = facts?.ids[0] as string;
    const codes = (args: object) =>
      ask(`${Math.random()}`, 'send_mail', args).reasons.map(({ code, clause }) => [code, clause]);
    expect(codes({ body: handle })).toEqual([]);
    expect(codes({ to: 'x@ours.example' })).toEqual([]);
    expect(codes({ to: handle })).toEqual([['EVAL_ERROR', 'no-strangers']]);
    expect(codes({ cc: ['y', handle] })).toEqual([['EVAL_ERROR', 'not-among']]);
  });
});
