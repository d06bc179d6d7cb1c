import { describe, expect, it } from 'vitest';
import { handles } from './handle-cases.fixture.ts';
import { findingsOf, PARTS, type Parts, sourcesWith, unmarked } from './sources.fixture.ts';

const SHOWN = '{ level: internal, integrity: untrusted }';
const LABEL = '{ level: public, integrity: trusted }';

const taking = (tool: string, parts: Parts = {}, clearance = SHOWN) =>
  handles(`clearance: ${clearance}, extract: [{ tool: ${tool}, types: [date], label: ${LABEL} }]`, parts);

async function findings(parts: Parts) {
  const { sources, place } = unmarked(sourcesWith(parts));
  return { found: await findingsOf(sources), place };
}

describe('a rule of extract', () => {
  it('that is about what the agent sees anyway is warned of', async () => {
    const { found, place } = await findings(taking('‸send_mail'));
    expect(found).toEqual([`EXTRACT_IDLE at ${place}`]);
    const open = PARTS.tools.replace('    clearance: { level: internal, integrity: untrusted }\n', '');
    expect((await findings(taking('send_mail', { tools: open }))).found).toEqual([
      expect.stringMatching('EXTRACT_IDLE'),
    ]);
  });

  it.each<[string, Parts]>([
    [
      'what some role does not see',
      handles(
        `clearance: ${SHOWN}, roles: [{ roles: [guest], clearance: { level: public, integrity: untrusted } }], ` +
          `extract: [{ tool: send_mail, types: [date], label: ${LABEL} }]`,
      ),
    ],
    ['an answer that may repeat a handle which it was given', taking('send_mail', {}, LABEL)],
    ['what stores label', taking('read_file')],
    [
      'a tool that takes whatever there is',
      taking('look_up', {
        tools: `${PARTS.tools}  look_up: { effect: read, returns: ${LABEL} }\n`,
      }),
    ],
    [
      'a tool to which a release lets more pass',
      taking('send_mail', {
        clauses:
          `${PARTS.clauses}  - { id: x, kind: flow, rule: declassify, on: { tools: [send_mail] }, ` +
          'from: { level: confidential, integrity: untrusted }, to: { level: internal, integrity: untrusted } }\n',
      }),
    ],
    [
      'a tool whose clause only watches',
      taking('send_mail', {
        clauses: PARTS.clauses.replace('rule: session_label', 'rule: session_label, mode: monitor'),
      }),
    ],
  ])('is not, where it is about %s', async (_, parts) => {
    expect((await findings(parts)).found).toEqual([]);
  });
});
