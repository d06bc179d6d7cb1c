import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { PNG } from './tiny-image.ts';
import { TOOLS, type ToolCall } from './tools-offered.ts';

const PROMPTS = {
  test_simple_prompt: [],
  test_prompt_with_arguments: ['arg1', 'arg2'],
  test_prompt_with_embedded_resource: ['resourceUri'],
  test_prompt_with_image: [],
} as const;

/** What the official suite expects a server to offer, as the descriptions of its scenarios say. */
export function serveOffers(server: Server): void {
  serveTools(server);
  serveResources(server);
  servePrompts(server);
  server.setRequestHandler(SetLevelRequestSchema, async () => ({}));
  server.setRequestHandler(CompleteRequestSchema, async () => ({
    completion: { values: ['paris', 'park', 'party'], total: 150, hasMore: false },
  }));
}

function serveTools(server: Server): void {
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: Object.entries(TOOLS).map(([name, { description, inputSchema }]) => ({
      name,
      description,
      inputSchema: inputSchema ?? { type: 'object' as const, properties: {} },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = TOOLS[params.name];
    if (tool === undefined) return failure(`no such tool: ${params.name}`);
    const call: ToolCall = {
      arguments: params.arguments ?? {},
      progressToken: params._meta?.progressToken,
      ask: (request, schema) => extra.sendRequest(request as never, schema as never) as never,
      notify: (notification) => extra.sendNotification(notification as never),
      closeStream: () => extra.closeSSEStream?.(),
      wait: () => delay(50),
    };
    try {
      return { content: await tool.run(call) } as never;
    } catch (error) {
      return failure(error instanceof Error ? error.message : 'failed');
    }
  });
}

function failure(text: string) {
  return { isError: true, content: [{ type: 'text' as const, text }] };
}

function serveResources(server: Server): void {
  server.setRequestHandler(ListResourcesRequestSchema, async () => ({
    resources: ['test://static-text', 'test://static-binary', 'test://watched-resource'].map((uri) => ({
      uri,
      name: uri.slice('test://'.length),
    })),
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async () => ({
    resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'template' }],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => {
    const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
    if (id !== undefined) {
      const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
      return { contents: [{ uri, mimeType: 'application/json', text }] };
    }
    if (uri === 'test://static-binary') return { contents: [{ uri, mimeType: 'image/png', blob: PNG }] };
    const text = 'This is the content of the static text resource.';
    return { contents: [{ uri, mimeType: 'text/plain', text }] };
  });
  server.setRequestHandler(SubscribeRequestSchema, async () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, async () => ({}));
}

function servePrompts(server: Server): void {
  server.setRequestHandler(ListPromptsRequestSchema, async () => ({
    prompts: Object.entries(PROMPTS).map(([name, args]) => ({
      name,
      description: name,
      arguments: args.map((arg) => ({ name: arg, description: arg, required: true })),
    })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const { arg1, arg2, resourceUri = '' } = params.arguments ?? {};
    const says = (content: object) => ({ role: 'user' as const, content });
    const text = (words: string) => says({ type: 'text', text: words });
    switch (params.name) {
      case 'test_prompt_with_arguments':
        return { messages: [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] } as never;
      case 'test_prompt_with_embedded_resource': {
        const embedded = 'Embedded resource content for testing.';
        const resource = { uri: resourceUri, mimeType: 'text/plain', text: embedded };
        return {
          messages: [
            says({ type: 'resource', resource }),
            text('Please process the embedded resource above.'),
          ],
        } as never;
      }
      case 'test_prompt_with_image':
        return {
          messages: [
            says({ type: 'image', data: PNG, mimeType: 'image/png' }),
            text('Please analyze the image above.'),
          ],
        } as never;
      default:
        return { messages: [text('This is a simple prompt for testing.')] } as never;
    }
  });
}
