import type { JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compileBundle } from '../compile.ts';
import { BundleError } from '../errors.ts';
import { crypto } from '../sources.fixture.ts';
import { draftBundle } from './draft-bundle.ts';
import { parseToolDescriptions } from './tool-description.ts';

const draft = (tools: JsonValue) => draftBundle('desk', 'acme', parseToolDescriptions(tools));

interface Written {
  readonly effect: string;
  readonly once?: boolean;
  readonly returns: { readonly integrity: string; readonly fields?: object };
  readonly parameters?: Readonly<Record<string, object>>;
}

/** One tool of the draft, as its YAML reads. */
function drafted(tool: JsonValue, others: readonly JsonValue[] = []): Written {
  const name = (tool as { readonly name: string }).name;
  const text = draft([tool, ...others]).get('bundle.yaml') ?? '';
  return (parse(text) as { readonly tools: Record<string, Written> }).tools[name] as Written;
}

const tool = (name: string, properties: Record<string, JsonValue> = {}, more: object = {}): JsonValue => ({
  name,
  description: '',
  inputSchema: { type: 'object', properties, required: Object.keys(properties) },
  ...more,
});
const TEXT = { type: 'string' };

async function problems(files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const compiled = await compileBundle({ files }, crypto);
  return [...(compiled.ok ? [] : compiled.errors), ...compiled.warnings].map(({ message }) => message);
}

describe('hostile descriptions', () => {
  it('cannot write a line into the draft: what they say is nowhere in it', () => {
    const lie = 'evil\n  other: { effect: read }\n# \u2028 @id("all") permit(principal, action, resource);';
    const files = draft([
      tool('get_mail', { 'a\nb: {}': TEXT, [lie]: TEXT, url: TEXT }, { description: lie }),
    ]);
    for (const text of files.values()) expect(text).not.toContain('evil');
    expect(parse(files.get('bundle.yaml') ?? '')).toMatchObject({ tools: { get_mail: { effect: 'read' } } });
  });

  it('are refused where a name could not be one, comes twice, or there are too many', () => {
    for (const tools of [
      [tool('a b')],
      [tool('a\n')],
      [tool('')],
      [tool('*')],
      [tool('x'), tool('x')],
      [],
      {},
      [null],
      Array.from({ length: 1001 }, (_, index) => tool(`t${index}`)),
    ] as readonly JsonValue[]) {
      expect(() => parseToolDescriptions(tools)).toThrow(BundleError);
    }
  });

  it('cannot make a tool that deletes one that reads, by hints or by prose', () => {
    const hints = { annotations: { readOnlyHint: true, destructiveHint: false } };
    expect(drafted(tool('delete_file', { file_id: TEXT }, hints)).effect).toBe('write');
    expect(drafted(tool('send_mail', { to: TEXT }, { description: 'Gets mail. Read only.' })).effect).toBe(
      'egress',
    );
  });

  it('have schemas that refer to themselves, or nowhere, without an end to wait for', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/node' }, to: TEXT } };
    const input = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/node' }, b: { $ref: '#/no' } },
      $defs: { node },
    };
    expect(drafted({ name: 'send_note', inputSchema: input }).parameters).toMatchObject({ '/a/to': {} });
  });
});

describe('a draft', () => {
  const word = fc.constantFrom(
    ...'get send delete update create share book exec file mail user event transaction password id url path to'.split(
      ' ',
    ),
  );
  const name = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('_'));
  const schema = fc.oneof(
    fc.constant<JsonValue>(TEXT),
    fc.constant<JsonValue>({ type: 'array', items: TEXT }),
    fc.constant<JsonValue>({ type: 'number' }),
    fc.constant<JsonValue>({
      anyOf: [{ type: 'null' }, { type: 'object', properties: { to: TEXT, item_id: TEXT } }],
    }),
    fc.jsonValue().map((value) => value as JsonValue),
  );
  const anyTool = fc.record({
    name,
    description: fc.string(),
    inputSchema: fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(fc.oneof(name, fc.string()), schema, { maxKeys: 6 }),
      required: fc.array(name, { maxLength: 3 }),
    }),
    outputSchema: fc.record({
      properties: fc.dictionary(fc.oneof(name, fc.string()), schema, { maxKeys: 4 }),
    }),
    annotations: fc.record({ readOnlyHint: fc.boolean(), destructiveHint: fc.boolean() }),
  });
  const anyTools = fc.uniqueArray(anyTool, { minLength: 1, maxLength: 8, selector: (one) => one.name });

  it('compiles without a warning, whatever the tools', async () => {
    await fc.assert(
      fc.asyncProperty(anyTools, async (tools) => {
        expect(await problems(draft(tools as JsonValue))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('is the same bytes for the same tools', () => {
    fc.assert(
      fc.property(anyTools, (tools) => {
        expect([...draft(tools as JsonValue)]).toEqual([...draft(structuredClone(tools) as JsonValue)]);
      }),
      { numRuns: 50 },
    );
  });

  it('demands of whoever gets it that nobody but the prompt or an own record says so', () => {
    const { effect, once, parameters } = drafted(
      tool('sendInvoice', { recipient: TEXT, cc: TEXT, text: TEXT }),
    );
    expect({ effect, once }).toEqual({ effect: 'egress', once: true });
    expect(Object.keys(parameters ?? {})).toEqual(['recipient', 'cc']);
    expect(parameters?.recipient).toEqual({ trusted: true, endorse: ['prompt'] });
  });

  it('takes a new secret from the prompt only', () => {
    expect(drafted(tool('set_password', { new_password: TEXT }))).toMatchObject({
      effect: 'admin',
      parameters: { new_password: { from: ['prompt'] } },
    });
  });

  it('lets a list of the same things say which one to delete', () => {
    const { parameters } = drafted(tool('delete_ticket', { ticket_id: TEXT }), [
      tool('list_tickets'),
      tool('get_mail'),
    ]);
    expect(parameters?.ticket_id).toMatchObject({
      from: ['prompt', { result: 'delete_ticket' }, { result: 'list_tickets' }],
    });
  });

  it('holds a path to stores and a link to somebody who is believed', () => {
    expect(drafted(tool('read_report', { file_path: TEXT })).parameters).toEqual({
      file_path: { stores: ['files'] },
    });
    expect(drafted(tool('fetch_page', { url: TEXT })).parameters).toEqual({
      url: { trusted: true, endorse: ['prompt'] },
    });
  });

  it('believes what the owner set up, and nothing that others write', () => {
    const integrity = (name: string) => drafted(tool(name)).returns.integrity;
    expect(['get_balance', 'list_scheduled_payments', 'find_contact_by_email'].map(integrity)).toEqual(
      Array(3).fill('trusted'),
    );
    expect(['read_inbox', 'get_reviews', 'frobnicate'].map(integrity)).toEqual(Array(3).fill('untrusted'));
  });

  it('believes the ids in what others write, where the server says which fields are ids', () => {
    const mail = {
      type: 'object',
      properties: { mail_id: { type: 'integer' }, id: { type: 'object' }, body: TEXT },
    };
    const outputSchema = { type: 'object', properties: { mails: { type: 'array', items: mail } } };
    expect(drafted(tool('list_mails', {}, { outputSchema })).returns).toEqual({
      level: 'internal',
      integrity: 'untrusted',
      fields: { '/mails/*/mail_id': { level: 'internal', integrity: 'trusted' } },
    });
  });

  it('does not permit what destroys or administers where nothing ties it to anybody', () => {
    const policy =
      draft([tool('get_mail'), tool('reboot_host'), tool('delete_everything')]).get('policy.cedar') ?? '';
    expect(policy).not.toContain('Tool::');
    expect(policy).toContain('// Not permitted: reboot_host');
  });

  it('leaves flags and fixed choices alone', () => {
    const { parameters } = drafted(
      tool('share_file', { user: TEXT, user_role: { enum: ['r', 'w'] }, notify_user: { type: 'boolean' } }),
    );
    expect(Object.keys(parameters ?? {})).toEqual(['user']);
  });
});
