import type { CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { MANIFEST_LIMITS } from '@provability-fabric/governor';
import type { JsonValue } from '@provability-fabric/kernel';
import { z } from 'zod';
import type { ChangeDesk, DeskClient, DeskOperation } from './ports.ts';
import { invalidArguments, toolAnswer, toolRefusal } from './tool-answer.ts';
import { CHANGE_INPUT, CHECK_INPUT, manifestOf, STATUS_INPUT } from './tool-input.ts';
import {
  CHECK_OUTPUT,
  PROPOSAL_OUTPUT,
  planOutput,
  proposalOutput,
  STATUS_OUTPUT,
  statusOutput,
} from './tool-output.ts';

export interface DeskTool {
  readonly definition: Tool;
  /** What a client needs to see the tool at all. */
  readonly needs: DeskOperation;
  call(desk: ChangeDesk, client: DeskClient, input: unknown): Promise<CallToolResult>;
}

const PROPOSE: DeskTool = {
  needs: 'propose',
  definition: {
    name: 'propose_change',
    title: 'Propose a change of the code',
    description:
      'Puts a change of files forward. Nothing is changed yet: a person or the policy decides. Answers a hash to ask for with ' +
      'check_change, what the policy says, and what has to happen next. A blocked verdict says which rules block and how to ' +
      'mend the change; propose the mended one anew.',
    inputSchema: schemaOf(CHANGE_INPUT, 'input'),
    outputSchema: schemaOf(PROPOSAL_OUTPUT, 'output'),
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  },
  async call(desk, { caller }, input) {
    const parsed = CHANGE_INPUT.safeParse(input);
    if (!parsed.success) return invalidArguments(parsed.error);
    const manifest = manifestOf(parsed.data) as unknown as JsonValue;
    return toolAnswer(proposalOutput(await desk.propose(caller, manifest)));
  },
};

const CHECK: DeskTool = {
  needs: 'check',
  definition: {
    name: 'check_change',
    title: 'Check a change of the code',
    description:
      'With `hash`: what became of a change that you proposed. With `manifest`: what every rule of the policy says of a change ' +
      'before you propose it; nothing is kept. Give exactly one of them.',
    inputSchema: schemaOf(CHECK_INPUT, 'input'),
    outputSchema: schemaOf(CHECK_OUTPUT, 'output'),
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  async call(desk, client, input) {
    const parsed = CHECK_INPUT.safeParse(input);
    if (!parsed.success) return invalidArguments(parsed.error);
    const { hash, manifest } = parsed.data;
    if ((hash === undefined) === (manifest === undefined))
      return toolRefusal('MANIFEST_INVALID', 'expected exactly one of `hash` and `manifest`');
    if (hash !== undefined) {
      const proposal = proposalOutput(await desk.check(client.caller, hash));
      return toolAnswer({ proposal, plan: null });
    }
    if (!client.may('plan')) return forbidden('plan a change');
    const change = manifestOf(manifest as z.infer<typeof CHANGE_INPUT>) as unknown as JsonValue;
    return toolAnswer({ proposal: null, plan: planOutput(await desk.plan(client.caller, change)) });
  },
};

const LIMITS = {
  content_bytes: MANIFEST_LIMITS.contentBytes,
  all_content_bytes: MANIFEST_LIMITS.allContentBytes,
  targets: MANIFEST_LIMITS.targets,
  tests: MANIFEST_LIMITS.tests,
};

const STATUS: DeskTool = {
  needs: 'status',
  definition: {
    name: 'status',
    title: 'State of the governor',
    description:
      'The tree that is governed, the policy in force, how much it decides by itself, whether the governor is stopped, whether ' +
      'approved changes can land now, and how large a change may be.',
    inputSchema: schemaOf(STATUS_INPUT, 'input'),
    outputSchema: schemaOf(STATUS_OUTPUT, 'output'),
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  async call(desk, _client, input) {
    const parsed = STATUS_INPUT.safeParse(input);
    if (!parsed.success) return invalidArguments(parsed.error);
    return toolAnswer(statusOutput(await desk.status(), LIMITS));
  },
};

export const DESK_TOOLS: readonly DeskTool[] = [PROPOSE, CHECK, STATUS];

export function forbidden(what: string): CallToolResult {
  return toolRefusal('GOVERNOR_FORBIDDEN', `expected a role that may ${what}`);
}

/** In the draft that MCP clients validate by unless told otherwise. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Tool['inputSchema'] {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io });
  return rest as Tool['inputSchema'];
}
