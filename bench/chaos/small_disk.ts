/**
 * A disk of a few megabytes, in memory: to see what happens when it is full.
 *
 * @module
 */

/** Mounted at a directory of its own. Only root can make one. */
export class SmallDisk implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** A new one, at a new directory, or over one that is there. */
  static async mount(kilobytes: number, over?: string): Promise<SmallDisk> {
    const directory = over ?? await Deno.makeTempDir({ prefix: "chaos-disk-" });
    await Deno.mkdir(directory, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", directory]);
    return new SmallDisk(directory);
  }

  /** Another size, with what is on it. */
  async resize(kilobytes: number): Promise<void> {
    await run("mount", ["-o", `remount,size=${kilobytes}k`, this.directory]);
  }

  /** Takes it away, with what is on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", ["-l", this.directory]);
    await Deno.remove(this.directory, { recursive: true });
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const command = new Deno.Command(program, { args: [...args], stdout: "null", stderr: "piped" });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`${program} fails: ${new TextDecoder().decode(stderr).trim()}`);
}
