import { type JsonValue, parseJson } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../errors.ts';
import { parseAuthorize, parseOutcome, parsePrompt, parseSessionId } from './request-shapes.ts';

const SECRET = 'swordfish';

function problem(parse: (body: JsonValue) => unknown, text: string): JsonValue {
  try {
    parse(parseJson(text));
  } catch (error) {
    if (error instanceof RequestError) return error.members;
    throw error;
  }
  return 'accepted';
}

describe('a malformed request', () => {
  const call = '"request_id":"r","action":';

  it.each([
    ['null', 'body', 'an object', 'null'],
    ['{}', 'request_id', expect.stringContaining('1 to 128 characters'), 'nothing'],
    ['{"request_id":7}', 'request_id', expect.any(String), 'a number'],
    [`{"request_id":"${'r'.repeat(129)}"}`, 'request_id', expect.any(String), 'text of 129 characters'],
    ['{"request_id":"a b"}', 'request_id', expect.any(String), 'text of 3 characters'],
    [`{${call}null}`, 'action', 'an object', 'null'],
    [`{${call}{}}`, 'action.kind', '`call` or `read`', 'nothing'],
    [`{${call}{"kind":"${SECRET}"}}`, 'action.kind', '`call` or `read`', 'text of 9 characters'],
    [`{${call}{"kind":"call"}}`, 'action.tool', expect.any(String), 'nothing'],
    [`{${call}{"kind":"call","uri":"file:///x"}}`, 'action.tool', expect.any(String), 'nothing'],
    [`{${call}{"kind":"read","uri":"a\\u0000b"}}`, 'action.uri', expect.any(String), 'text of 3 characters'],
    [`{${call}{"kind":"call","tool":"t","args":[1]}}`, 'action.args', 'an object', 'an array'],
    [`{${call}{"kind":"call","tool":"t","args":9007199254740993}}`, 'action.args', 'an object', 'a number'],
    [
      `{${call}{"kind":"call","tool":"t"},"attributes":"${SECRET}"}`,
      'attributes',
      'an object',
      expect.any(String),
    ],
    [
      `{${call}{"kind":"call","tool":"t"},"session":""}`,
      'session',
      expect.any(String),
      'text of 0 characters',
    ],
    [`{${call}{"kind":"call","tool":"t"},"extra":true}`, 'extra', 'no such member', 'true or false'],
    [`{${call}{"kind":"call","tool":"t","__proto__":{}}}`, 'action.__proto__', 'no such member', 'an object'],
    [`{${call}{"kind":"call","tool":"t"},"${SECRET} ":1}`, '(another name)', 'no such member', 'a number'],
  ])('%s is told its member, what was expected and what kind came', (text, member, expected, came) => {
    expect(problem(parseAuthorize, text)).toEqual({ member, expected, came });
  });

  it('is told about outcomes and prompts', () => {
    const outcome = `{"session":"s","certificate_id":"c","outcome":"maybe"}`;
    expect(problem(parseOutcome, outcome)).toMatchObject({ member: 'outcome', came: 'text of 5 characters' });
    expect(problem(parsePrompt, '{"text":""}')).toMatchObject({
      member: 'text',
      came: 'text of 0 characters',
    });
    expect(() => parseSessionId('a b')).toThrow(RequestError);
  });

  it('never makes anything but a problem of any JSON, and never repeats a value', () => {
    const json = fc.jsonValue().map((value) => JSON.stringify(value));
    const text = fc.oneof(
      json,
      json.map((inner) => `{"request_id":"r","action":${inner},"session":${inner}}`),
    );
    fc.assert(
      fc.property(text, (body) => {
        for (const parse of [parseAuthorize, parseOutcome, parsePrompt]) problem(parse, body);
      }),
    );
  });
});

describe('a well-formed request', () => {
  it('keeps arguments as they came: the same object, every digit, every key', () => {
    const body = parseJson(
      '{"request_id":"r","action":{"kind":"call","tool":"t","args":{"n":9007199254740993,"__proto__":1}}}',
    );
    const { action } = parseAuthorize(body);
    expect(action.args).toBe((body as { action: { args: JsonValue } }).action.args);
  });

  it('may report a result of any kind, null too', () => {
    const outcome = (result: string) =>
      parseOutcome(parseJson(`{"session":"a@1","certificate_id":"c","outcome":"done","result":${result}}`))
        .result;
    expect(outcome('null')).toBeNull();
    expect(outcome('18446744073709551615')).toBe(18446744073709551615n);
    expect(outcome('"text"')).toBe('text');
  });
});
