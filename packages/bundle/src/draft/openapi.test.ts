import { describe, expect, it } from 'vitest';
import { BundleError } from '../errors.ts';
import { draftBundle } from './draft-bundle.ts';
import { toolsOfOpenApi } from './openapi.ts';
import { parseToolDescriptions } from './tool-description.ts';

const DOCUMENT = {
  openapi: '3.1.0',
  components: {
    parameters: { Id: { name: 'orderId', in: 'path', required: true, schema: { type: 'string' } } },
    schemas: {
      Order: { type: 'object', properties: { recipient: { type: 'string' } }, required: ['recipient'] },
    },
  },
  paths: {
    '/orders/{orderId}': {
      parameters: [{ $ref: '#/components/parameters/Id' }],
      get: { operationId: 'getOrder' },
      delete: {},
    },
    '/orders': {
      post: {
        operationId: 'send order!',
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } },
      },
    },
  },
};

describe('an OpenAPI document', () => {
  it('is refused where it is something else', () => {
    for (const other of [null, {}, { swagger: '2.0', paths: {} }, { openapi: '3.0.0' }]) {
      expect(() => toolsOfOpenApi(other)).toThrow(BundleError);
    }
  });

  it('has a reference that leads in a circle, or out of it, and that is no argument', () => {
    const loop = { $ref: '#/components/parameters/Loop' };
    const away = { $ref: 'https://else.example/x' };
    const tools = parseToolDescriptions(
      toolsOfOpenApi({
        openapi: '3.0.0',
        components: { parameters: { Loop: loop } },
        paths: { '/x': { get: { parameters: [loop, away] } } },
      }),
    );
    expect(tools.map(({ name, input }) => [name, input.properties])).toEqual([['get_x', {}]]);
  });

  it('gives each operation as a tool, with path, query and body as its arguments', () => {
    const tools = parseToolDescriptions(toolsOfOpenApi(DOCUMENT));
    expect(tools.map(({ name }) => name)).toEqual(['getOrder', 'delete_orders_orderId', 'send_order']);
    const text = draftBundle('desk', 'acme', tools).get('bundle.yaml') ?? '';
    expect(text).toMatch(/orderId: \{ from: \[prompt, \{ result: getOrder \}/);
    expect(text).toMatch(/recipient: \{ trusted: true, endorse: \[prompt\] \}/);
  });
});
