import type { SecretLintRuleCreator, SecretLintSourceCode } from '@secretlint/types';
import type { TextMatch } from './text-match.ts';

/**
 * Rules that a text could switch off: secretlint's comments such as `secretlint-disable`. Whoever proposes a change
 * writes its comments.
 */
const SKIPPED = new Set(['@secretlint/secretlint-rule-filter-comments']);

/**
 * Secretlint's recommended rules on one text, without secretlint's core: that one keeps a mark of each run for ever, and
 * its debug output holds the text. The rules are told no file name, as two of them would then read that file.
 */
export async function presetMatches(content: string): Promise<readonly TextMatch[]> {
  const { rules } = await import('@secretlint/secretlint-rule-preset-recommend');
  const matches: TextMatch[] = [];
  const source = sourceOf(content);
  for (const rule of rules as readonly SecretLintRuleCreator[]) {
    if (SKIPPED.has(rule.meta.id)) continue;
    const name = `secretlint/${rule.meta.id.replace('@secretlint/secretlint-rule-', '')}`;
    const handler = rule.create(
      {
        sharedOptions: {},
        // Messages quote what was found, so they are never made.
        createTranslator: () => (messageId) => ({
          message: '',
          messageId: String(messageId),
          data: undefined,
        }),
        report: ({ range: [start, end], message }) => {
          if (!NO_SECRETS.has(message.messageId)) matches.push({ rule: name, start, end });
        },
        ignore: () => undefined,
      },
      {},
    );
    await handler.file?.(source);
  }
  return matches;
}

/** Found, and no secret: the number of an account. */
const NO_SECRETS = new Set(['AWSAccountID']);

function sourceOf(content: string): SecretLintSourceCode {
  const position = { line: 1, column: 0 };
  return {
    hasBOM: false,
    content,
    filePath: undefined,
    physicalFilePath: undefined,
    contentType: 'text',
    ext: '',
    getFilePath: () => undefined,
    getPhysicalFilePath: () => undefined,
    // Rules report offsets; these four are for secretlint's own output.
    locationToRange: () => [0, 0],
    rangeToLocation: () => ({ start: position, end: position }),
    positionToIndex: () => 0,
    indexToPosition: () => position,
  };
}
