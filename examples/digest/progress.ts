import type { Context } from "@sluice/sluice";
import { until } from "./stages.ts";
import type { Task } from "./task.ts";

/** How far the work has come, in words. */
export class Progress {
  /** Files that were printed. */
  files = 0;
  /** Bytes that were read. */
  bytes = 0;
  #total: { files: number; bytes: number } | undefined;
  readonly #start = performance.now();

  /** Finds out how much there is to do, since the pipeline looks only a little ahead. */
  async count(task: Task, ctx: Context): Promise<void> {
    if (!await task.isRepeatable()) return;
    const total = { files: 0, bytes: 0 };
    try {
      for await (const { path, problem } of task.items(ctx)) {
        if (problem !== undefined) continue;
        total.files++;
        total.bytes += await sizeOf(path, ctx);
      }
      this.#total = total;
    } catch (error) {
      // All is done, and nobody asks any more.
      if (!ctx.done) throw error;
    }
  }

  /** What is done: "1,234 files (5.6 MB)". */
  get done(): string {
    return `${count(this.files)} (${size(this.bytes)})`;
  }

  /** One line for the status. */
  get line(): string {
    const seconds = (performance.now() - this.#start) / 1000;
    const rate = this.bytes / seconds;
    if (this.#total === undefined) return `${this.done}, ${size(rate)}/s`;
    const { files, bytes } = this.#total;
    const left = rate > 0 ? `, ${time((bytes - this.bytes) / rate)} left` : "";
    return `${this.done} of ${count(files)} (${size(bytes)}), ${size(rate)}/s${left}`;
  }
}

async function sizeOf(path: string, ctx: Context): Promise<number> {
  try {
    return (await until(ctx, Deno.stat(path))).size;
  } catch {
    ctx.throwIfDone();
    // Whoever reads the file says what is wrong with it.
    return 0;
  }
}

/** "1,234 files". */
export function count(files: number): string {
  return files === 1 ? "1 file" : `${files.toLocaleString("en")} files`;
}

/** "5.6 MB". */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  const power = Math.floor(Math.log10(Math.max(bytes, 1)) / 3);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

function time(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = pad(whole % 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}
