import {
  field,
  isJsonObject,
  type JsonValue,
  parseJsonBytes,
  stringifyJson,
  utf8,
} from '@provability-fabric/kernel';

/** A call's line with other arguments: those that the decision's digest names. */
export function withArguments(line: Uint8Array, value: JsonValue): Uint8Array {
  const message = parseJsonBytes(line);
  const params = field(message, 'params');
  return rewritten(message, { params: { ...(isJsonObject(params) ? params : {}), arguments: value } });
}

/** An answer to the server, decided as a call whose arguments hold it beside the question. */
export function withResult(line: Uint8Array, value: JsonValue): Uint8Array {
  const [response, error] = [field(value, 'response'), field(value, 'error')];
  return rewritten(parseJsonBytes(line), {
    ...(response === undefined ? {} : { result: response }),
    ...(error === undefined ? {} : { error }),
  });
}

function rewritten(message: JsonValue, part: { readonly [name: string]: JsonValue }): Uint8Array {
  return utf8(`${stringifyJson({ ...(isJsonObject(message) ? message : {}), ...part })}\n`);
}
