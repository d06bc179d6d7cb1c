import { MockLanguageModelV3 } from 'ai/test';

/** What the model does, one a step: calls a tool, or says something and stops. */
export type Step = string | { readonly tool: string; readonly input: object };

/** Stands where a provider's model would, so that this runs without a key and does the same each time. */
export function scriptedModel(steps: readonly Step[]): MockLanguageModelV3 {
  const inputTokens = { total: 0, noCache: 0, cacheRead: undefined, cacheWrite: undefined };
  const usage = { inputTokens, outputTokens: { total: 0, text: 0, reasoning: undefined } };
  return new MockLanguageModelV3({
    doGenerate: steps.map((step, at) => {
      if (typeof step === 'string') {
        const content = [{ type: 'text' as const, text: step }];
        return { content, finishReason: { unified: 'stop', raw: undefined }, usage, warnings: [] };
      }
      const call = { toolCallId: `call-${at}`, toolName: step.tool, input: JSON.stringify(step.input) };
      const content = [{ type: 'tool-call' as const, ...call }];
      return { content, finishReason: { unified: 'tool-calls', raw: undefined }, usage, warnings: [] };
    }),
  });
}
