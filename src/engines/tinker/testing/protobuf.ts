/** The server's side of the binary form. Written field by field from the message definitions, apart from the client's code. */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

type Json = Record<string, unknown>;

const int32 = (bytes: Uint8Array): number[] => [...new Int32Array(bytes.slice().buffer)];

/** A `ForwardBackwardRequest` in the shape of its JSON. */
export function decodeRequest(bytes: Uint8Array): Json {
  const reader = new BinaryReader(bytes);
  const data: Json[] = [];
  const config: Record<string, number> = {};
  const fields: Json = {};
  let loss = "";
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) fields["model_id"] = reader.string();
    else if (field === 2) fields["seq_id"] = reader.int32();
    else if (field === 3) data.push(decodeDatum(reader.bytes()));
    else if (field === 4) loss = reader.string();
    else if (field === 5) {
      const entry = new BinaryReader(reader.bytes());
      entry.tag();
      const name = entry.string();
      entry.tag();
      config[name] = entry.double();
    } else if (field === 6) fields["forward_only"] = reader.bool();
    else reader.skip(type);
  }
  return { ...fields, forward_backward_input: { data, loss_fn: loss, loss_fn_config: config } };
}

function decodeDatum(bytes: Uint8Array): Json {
  const reader = new BinaryReader(bytes);
  const chunks: Json[] = [];
  const inputs: Json = {};
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    const inner = new BinaryReader(reader.bytes());
    inner.tag();
    if (field === 1) {
      const text = new BinaryReader(inner.bytes());
      text.tag();
      chunks.push({ type: "encoded_text", tokens: int32(text.bytes()) });
    } else {
      const name = inner.string();
      inner.tag();
      inputs[name] = decodeTensor(inner.bytes());
    }
  }
  return { model_input: { chunks }, loss_fn_inputs: inputs };
}

function decodeTensor(bytes: Uint8Array): Json {
  const reader = new BinaryReader(bytes);
  let dense: Uint8Array = new Uint8Array();
  let dtype = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) dense = reader.bytes();
    else if (field === 3) dtype = reader.int32();
    else reader.skip(type);
  }
  const { buffer } = dense.slice();
  return { data: dtype === 1 ? [...new Float32Array(buffer)] : Array.from(new BigInt64Array(buffer), Number) };
}

/** A `ForwardBackwardOutput` with one record of log-probabilities. */
export function encodeTrainingResult(rows: readonly (readonly number[])[]): Uint8Array {
  const offsets = [0];
  for (const row of rows) offsets.push(offsets[offsets.length - 1] + 4 * row.length);
  const writer = new BinaryWriter();
  const record = writer.tag(2, WireType.LengthDelimited).fork();
  const entry = record.tag(2, WireType.LengthDelimited).fork();
  entry.tag(1, WireType.LengthDelimited).string("logprobs");
  const column = entry.tag(2, WireType.LengthDelimited).fork();
  column.tag(1, WireType.LengthDelimited).bytes(new Uint8Array(Float32Array.from(rows.flat()).buffer));
  column.tag(2, WireType.LengthDelimited).bytes(new Uint8Array(BigInt64Array.from(offsets, BigInt).buffer));
  column.tag(3, WireType.Varint).int32(1);
  column.join();
  entry.join();
  record.tag(3, WireType.Varint).int64(rows.length);
  record.join();
  return writer.finish();
}
