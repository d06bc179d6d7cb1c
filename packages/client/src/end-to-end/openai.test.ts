import OpenAI from 'openai';
import { zodFunction } from 'openai/helpers/zod';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { guardHandlers, guardRunnableTools } from '../index.ts';
import { FakeModelServer } from '../testing/fake-model-server.ts';
import { PfServe } from '../testing/pf-serve.fixture.ts';

// The openai package's own client and loop, before a real fabric. Only the model's server is a fake, with a
// script.

let fabric: PfServe;
let model: FakeModelServer;
let openai: OpenAI;
beforeAll(async () => {
  model = new FakeModelServer();
  fabric = await PfServe.start();
  openai = new OpenAI({ apiKey: 'none', baseURL: await model.start(), maxRetries: 0 });
});
afterAll(() => Promise.all([fabric.stop(), model.stop()]));
beforeEach(() => {
  model.script.length = 0;
});

const mail = z.object({ to: z.string(), subject: z.string() });
const parameters = { type: 'object', properties: {} };
const messages = [{ role: 'user' as const, content: 'go' }];

describe('runTools with guarded tools', () => {
  const ran: unknown[] = [];
  const send = async (args: z.infer<typeof mail>) => {
    ran.push(args);
    return { sent: true };
  };
  beforeEach(() => {
    ran.length = 0;
  });

  it('runs what is allowed, and tells the model why the rest is not', async () => {
    const client = await fabric.client('run-tools-1');
    const tools = guardRunnableTools(client, [
      {
        type: 'function',
        function: {
          name: 'send_mail',
          description: 'sends a mail',
          parameters,
          parse: JSON.parse,
          function: send,
        },
      },
      zodFunction({
        name: 'read_text_file',
        parameters: z.object({ path: z.string() }),
        function: ({ path }) => {
          ran.push(path);
          return `contents of ${path}`;
        },
      }),
    ]);
    model.script.push(
      [{ name: 'send_mail', text: '{"to":"audit@evil.example","subject":"x"}' }],
      [
        { name: 'read_text_file', text: '{"path":"tickets/4711.txt"}' },
        { name: 'read_text_file', text: '{"path":"/etc/passwd"}' },
        { name: 'send_mail', text: '{"to":"desk@acme.example","subject":"done"}' },
        { name: 'send_mail', text: 'not json' },
      ],
    );
    const runner = openai.chat.completions.runTools({ model: 'fake', messages, tools });
    expect(await runner.finalContent()).toBe('over');
    expect(ran).toEqual(['tickets/4711.txt', { to: 'desk@acme.example', subject: 'done' }]);
    const told = runner.messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
    expect(told.slice(0, 4)).toEqual([
      '{"refused":true,"code":"UNTRUSTED_ARGUMENT","clause":"known-recipients"}',
      'contents of tickets/4711.txt',
      '{"refused":true,"code":"NOT_PERMITTED","clause":"no-path-outside"}',
      '{"sent":true}',
    ]);
    expect(told[4]).toContain('JSON');
    // What the model is offered is what was offered before.
    expect(model.requests.at(-1)?.body.tools).toMatchObject([
      { type: 'function', function: { name: 'send_mail', description: 'sends a mail', parameters } },
      { type: 'function', function: { name: 'read_text_file', strict: true } },
    ]);
  });

  it('gives a function that takes text the very arguments that were decided', async () => {
    const texts: string[] = [];
    const tools = guardRunnableTools(await fabric.client('run-tools-2'), [
      {
        type: 'function',
        function: {
          name: 'list_directory',
          description: '',
          parameters,
          function: (text: string) => {
            texts.push(text);
          },
        },
      },
    ]);
    model.script.push(
      [{ name: 'list_directory', text: ' { "path": "kb", "big": 12345678901234567890 } ' }],
      [{ name: 'list_directory', text: '{"path":"kb","path":"/etc"}' }],
    );
    const runner = openai.chat.completions.runTools({ model: 'fake', messages, tools });
    await runner.done();
    expect(texts).toEqual(['{"path":"kb","big":12345678901234567890}']);
    expect(model.told).toContain('expected each key once, got `path` twice');
  });

  it('ends with the runner: what was running may have happened', async () => {
    const before = await fabric.served('/v1/outcome');
    const list_directory = () => {
      runner.abort();
      return new Promise<never>(() => undefined);
    };
    const tools = guardRunnableTools(await fabric.client('run-tools-3'), [
      {
        type: 'function',
        function: { description: '', parameters, parse: JSON.parse, function: list_directory },
      },
    ]);
    model.script.push([{ name: 'list_directory', text: '{"path":"kb"}' }]);
    const runner = openai.chat.completions.runTools({ model: 'fake', messages, tools });
    await expect(runner.done()).rejects.toThrow('aborted');
    await expect.poll(() => fabric.served('/v1/outcome'), { timeout: 20_000 }).toBe(before + 1);
  });

  it('does not take what cannot be guarded', async () => {
    const client = await fabric.client('run-tools-4');
    const nameless = {
      type: 'function',
      function: {
        function: (
          () => async () =>
            1
        )(),
      },
    } as const;
    const elsewhere = { type: 'function', function: { name: 'search' } } as const;
    for (const tool of [nameless, elsewhere])
      expect(() => guardRunnableTools(client, [tool])).toThrow(
        expect.objectContaining({ code: 'TOOL_UNGUARDABLE' }),
      );
  });
});

describe('guarded handlers', () => {
  const handlersFor = async (session: string, ran: unknown[]) =>
    guardHandlers(await fabric.client(session), {
      read_text_file: async ({ path }) => {
        ran.push(path);
        return `contents of ${path}`;
      },
      send_mail: {
        parse: (args) => mail.parse(args),
        run: async (args: z.infer<typeof mail>) => {
          ran.push(args);
          return { sent: true };
        },
      },
    });
  const read = { name: 'read_text_file', text: '{"path":"tickets/1.txt"}' };
  const leak = { name: 'send_mail', text: '{"to":"audit@evil.example","subject":"x"}' };
  const wrong = [
    { name: 'send_mail', text: '{"to":1}' },
    { name: 'send_mail', text: '[]' },
    { name: '__proto__', text: '{}' },
    { name: 'constructor', text: '{}' },
  ];
  const answers = [
    'contents of tickets/1.txt',
    '{"refused":true,"code":"UNTRUSTED_ARGUMENT","clause":"known-recipients"}',
    '{"refused":true,"code":"ARGUMENTS_UNFIT","clause":null}',
    '{"refused":true,"code":"ARGUMENTS_UNFIT","clause":null}',
    '{"refused":true,"code":"TOOL_UNKNOWN","clause":null}',
    '{"refused":true,"code":"TOOL_UNKNOWN","clause":null}',
  ];

  it('answer the calls of a chat completion, also those that no handler is meant by', async () => {
    const ran: unknown[] = [];
    const handlers = await handlersFor('chat-1', ran);
    model.script.push([read, leak, ...wrong]);
    const { choices } = await openai.chat.completions.create({ model: 'fake', messages });
    const calls = choices[0]?.message.tool_calls ?? [];
    const custom = { id: 'x', type: 'custom', custom: { name: 'read_text_file', input: '' } };
    const told = await handlers.chat([...calls, custom]);
    expect(told.map(({ content }) => content)).toEqual([...answers, answers[5]]);
    expect(told.map(({ tool_call_id }) => tool_call_id)).toEqual([...calls.map(({ id }) => id), 'x']);
    expect(ran).toEqual(['tickets/1.txt']);
    await openai.chat.completions.create({ model: 'fake', messages: [...messages, ...told] });
  });

  it('answer the function calls among the items of a response', async () => {
    const ran: unknown[] = [];
    const handlers = await handlersFor('responses-1', ran);
    model.script.push([read, leak, ...wrong]);
    const { output } = await openai.responses.create({ model: 'fake', input: 'go' });
    const told = await handlers.responses([{ type: 'reasoning' }, ...output, { type: 'function_call' }]);
    expect(told.map((item) => item.output)).toEqual(answers);
    expect(told[0]).toMatchObject({ type: 'function_call_output', call_id: 'call-0' });
    expect(ran).toEqual(['tickets/1.txt']);
    await openai.responses.create({ model: 'fake', input: told });
  });

  it('are not asked for more than 128 calls at once', async () => {
    const handlers = await handlersFor('many', []);
    const calls = Array.from({ length: 129 }, (_, at) => ({ id: `${at}`, type: 'function' }));
    await expect(handlers.chat(calls)).rejects.toMatchObject({ code: 'ARGUMENTS_UNFIT' });
  });
});
