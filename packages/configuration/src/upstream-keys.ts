import type { KeyDescription } from './key.ts';

const where = 'upstreams.yaml' as const;
const text = { where, type: 'text', standard: null };

/** The members of one upstream in `upstreams.yaml`. */
export const UPSTREAM_KEYS = {
  command: {
    key: 'command',
    ...text,
    range: 'a program, found as a shell would find it',
    effect: 'the upstream is an MCP server over stdio, started for each MCP session; not beside `url`',
  },
  args: {
    key: 'args',
    where,
    type: 'list of texts',
    standard: null,
    range: 'at most 256',
    effect: 'the arguments of `command`; others on the machine can read them, so no secret belongs here',
  },
  cwd: {
    key: 'cwd',
    ...text,
    type: 'path',
    range: 'a folder, relative to the folder that holds `config/`, or absolute',
    effect: "where `command` is started; the fabric's own working directory where none is named",
  },
  env: {
    key: 'env',
    where,
    type: 'mapping of texts',
    standard: null,
    range: 'at most 256; names of letters, digits and `_`',
    effect: 'environment variables of `command`; their values are never shown',
  },
  url: {
    key: 'url',
    ...text,
    type: 'address',
    range: 'https; http on this machine only',
    effect: 'the upstream is an MCP server over streamable HTTP; not beside `command`',
  },
  authorization: {
    key: 'authorization',
    where,
    type: 'word',
    standard: 'none',
    range: 'none, pass, exchange',
    effect:
      "what `url` gets as its bearer token: none, the caller's own, or one that the caller's is exchanged for (RFC 8693)",
  },
  token_endpoint: {
    key: 'token_endpoint',
    ...text,
    type: 'address',
    range: 'https; http on this machine only',
    effect: 'where tokens are exchanged; wanted with `authorization: exchange`, and only there',
  },
  client_id: {
    key: 'client_id',
    ...text,
    range: '1 to 256 characters on one line',
    effect: 'the fabric to the token endpoint; wanted with `authorization: exchange`, and only there',
  },
  client_secret_file: {
    key: 'client_secret_file',
    ...text,
    type: 'path',
    range: 'a file, relative to the folder that holds `config/`, or absolute',
    effect: 'holds the secret of `client_id`; wanted with `authorization: exchange`, and only there',
  },
  audience: {
    key: 'audience',
    ...text,
    range: '1 to 256 characters on one line',
    effect: 'for whom the exchanged token is to be; only with `authorization: exchange`',
  },
  scope: {
    key: 'scope',
    ...text,
    range: '1 to 256 characters on one line',
    effect: 'what the exchanged token is to allow; only with `authorization: exchange`',
  },
  prefix: {
    key: 'prefix',
    ...text,
    range: '1 to 64 of letters, digits and `. _ -`',
    effect:
      "put before the names of the upstream's tools and prompts: always where the policy sees them, for agents at `/mcp/all`",
  },
} satisfies Record<string, KeyDescription>;
