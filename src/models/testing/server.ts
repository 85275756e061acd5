/** A chat server on loopback that answers, and fails, as a test says. */
import { type IncomingMessage, createServer } from "node:http";
import { z } from "zod";

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** The connection ends: before anything is sent, or after half of the body. */
  readonly drop?: "before" | "within";
}

const bodySchema = z.looseObject({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
});
export type Body = z.infer<typeof bodySchema>;

export interface Received {
  readonly body: Body;
  readonly headers: IncomingMessage["headers"];
  /** Milliseconds. */
  readonly time: number;
  /** Of the answer. */
  status: number;
}

export interface ChatServer {
  readonly baseUrl: string;
  readonly received: readonly Readonly<Received>[];
  close(): Promise<void>;
}

/** What a healthy server says: one choice with a text. */
export const completion = (content: string | null, more: Readonly<Record<string, unknown>> = {}, finish = "stop") => ({
  body: {
    id: "1",
    object: "chat.completion",
    created: 0,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content, ...more }, finish_reason: finish }],
    usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
  },
});

/** `answer` is given the body and the number of the request, from 0 on. */
export async function chatServer(answer: (body: Body, index: number) => Answer | Promise<Answer>): Promise<ChatServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = bodySchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
      const index = received.length;
      const entry = { body, headers: request.headers, time: performance.now(), status: 0 };
      received.push(entry);
      void Promise.resolve(answer(body, index)).then(({ status = 200, headers = {}, body: said = "", drop }) => {
        entry.status = status;
        if (drop === "before") return request.socket.destroy();
        const text = typeof said === "string" ? said : JSON.stringify(said);
        response.writeHead(status, {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(text),
          ...headers,
        });
        if (drop !== "within") return response.end(text);
        return response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port");
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
