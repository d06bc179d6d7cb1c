import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { ChangeRefused, GovernorError } from '@provability-fabric/governor';
import type { z } from 'zod';
import { REFUSAL_META } from '../refusal.ts';

const MOST_ISSUES = 5;
const MOST_REASONS = 20;

/** As structured content, and as text for clients that know only that. */
export function toolAnswer(content: Readonly<Record<string, unknown>>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(content) }], structuredContent: { ...content } };
}

/** A refusal is a result, so that the agent reads it and can mend what it sent. */
export function toolRefusal(code: string, message: string): CallToolResult {
  return {
    content: [{ type: 'text', text: `${code}: ${message}` }],
    isError: true,
    _meta: { [REFUSAL_META]: { code } },
  };
}

/** Undefined for what is not the client's to know. */
export function refusalFor(error: unknown): CallToolResult | undefined {
  if (!(error instanceof GovernorError)) return undefined;
  const reasons = error instanceof ChangeRefused ? (error.facts.plan?.reasons ?? []) : [];
  return toolRefusal(error.code, [error.message, ...reasons.slice(0, MOST_REASONS)].join('\n'));
}

/** Where in the arguments, and what was expected there; never what came. */
export function invalidArguments({ issues }: z.ZodError): CallToolResult {
  const lines = issues.slice(0, MOST_ISSUES).map(({ path, message }) => {
    const place = path.length === 0 ? 'the arguments' : path.join('.');
    return `${place}: ${message}`;
  });
  const more = issues.length > MOST_ISSUES ? [`and ${issues.length - MOST_ISSUES} more`] : [];
  return toolRefusal('MANIFEST_INVALID', [...lines, ...more].join('\n'));
}
