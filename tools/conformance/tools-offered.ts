import { CreateMessageResultSchema, ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { PNG } from './tiny-image.ts';

export interface ToolCall {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly progressToken: string | number | undefined;
  ask(request: object, schema: unknown): Promise<Readonly<Record<string, unknown>>>;
  notify(notification: object): Promise<void>;
  closeStream(): void;
  wait(): Promise<void>;
}

interface OfferedTool {
  readonly description: string;
  readonly inputSchema?: { readonly type: 'object'; readonly [name: string]: unknown };
  run(call: ToolCall): Promise<readonly object[]>;
}

const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
const text = (words: string) => ({ type: 'text', text: words });
const image = { type: 'image', data: PNG, mimeType: 'image/png' };

async function elicit(call: ToolCall, message: string, properties: object, required: readonly string[] = []) {
  const requestedSchema = { type: 'object', properties, required };
  return call.ask({ method: 'elicitation/create', params: { message, requestedSchema } }, ElicitResultSchema);
}

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = (names: readonly string[]) =>
  names.map((title, index) => ({ const: `value${index + 1}`, title }));

export const TOOLS: Readonly<Record<string, OfferedTool>> = {
  test_simple_text: {
    description: 'returns text',
    run: async () => [text('This is a simple text response for testing.')],
  },
  test_image_content: { description: 'returns an image', run: async () => [image] },
  test_audio_content: {
    description: 'returns audio',
    run: async () => [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
  },
  test_embedded_resource: {
    description: 'returns a resource',
    run: async () => {
      const words = 'This is an embedded resource content.';
      return [
        {
          type: 'resource',
          resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: words },
        },
      ];
    },
  },
  test_multiple_content_types: {
    description: 'returns three kinds of content',
    run: async () => {
      const data = JSON.stringify({ test: 'data', value: 123 });
      const resource = { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: data };
      return [text('Multiple content types test:'), image, { type: 'resource', resource }];
    },
  },
  test_tool_with_logging: {
    description: 'logs while it works',
    run: async (call) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await call.notify({ method: 'notifications/message', params: { level: 'info', data } });
        await call.wait();
      }
      return [text('logged')];
    },
  },
  test_tool_with_progress: {
    description: 'reports progress',
    run: async ({ progressToken, notify, wait }) => {
      for (const progress of [0, 50, 100]) {
        const params = { progressToken, progress, total: 100 };
        if (progressToken !== undefined) await notify({ method: 'notifications/progress', params });
        await wait();
      }
      return [text('done')];
    },
  },
  test_error_handling: {
    description: 'fails',
    run: async () => {
      throw new Error('This tool intentionally returns an error for testing');
    },
  },
  test_sampling: {
    description: "asks the client's model",
    inputSchema: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
    run: async (call) => {
      const messages = [{ role: 'user', content: text(String(call.arguments.prompt)) }];
      const request = { method: 'sampling/createMessage', params: { messages, maxTokens: 100 } };
      const { content } = await call.ask(request, CreateMessageResultSchema);
      return [text(`LLM response: ${(content as { text?: string }).text}`)];
    },
  },
  test_elicitation: {
    description: 'asks the user',
    inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
    run: async (call) => {
      const properties = {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      };
      const names = ['username', 'email'];
      const { action, content } = await elicit(call, String(call.arguments.message), properties, names);
      return [text(`User response: action=${action}, content=${JSON.stringify(content)}`)];
    },
  },
  test_elicitation_sep1034_defaults: {
    description: 'asks with defaults',
    run: async (call) => {
      const { action, content } = await elicit(call, 'Please confirm', {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      });
      return [text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`)];
    },
  },
  test_elicitation_sep1330_enums: {
    description: 'asks for choices',
    run: async (call) => {
      const { action, content } = await elicit(call, 'Please choose', {
        untitledSingle: { type: 'string', enum: OPTIONS },
        titledSingle: { type: 'string', oneOf: titled(['First Option', 'Second Option', 'Third Option']) },
        legacyEnum: {
          type: 'string',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
        titledMulti: {
          type: 'array',
          items: { anyOf: titled(['First Choice', 'Second Choice', 'Third Choice']) },
        },
      });
      return [text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`)];
    },
  },
  json_schema_2020_12_tool: {
    description: 'Tool with JSON Schema 2020-12 features',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
      additionalProperties: false,
    },
    run: async () => [text('ok')],
  },
  test_reconnection: {
    description: 'closes its stream before it answers',
    run: async (call) => {
      call.closeStream();
      await call.wait();
      return [text('Reconnection test completed')];
    },
  },
};
