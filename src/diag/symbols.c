/* SPDX-License-Identifier: MIT */
/*
 * Which functions are the library's own
 *
 * The innermost frames of a stack are the library's: whoever reads a report wants to know where the
 * program came from. In a shared library they are known by the module. In a program that the static
 * library is linked to there is no such border, and nobody but the debug information knows it: the
 * library's sources are in the folder in which the source of this file is. That is better than to
 * go by names, for callbacks and static functions have any, and kernel code that is compiled for
 * the library names functions as the library does. Only where there is no debug information are
 * names all there is. What kernel code calls instead of the library (compat/) has names that nothing
 * else has.
 */
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LIBDW
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#endif

#include "base/fork.h"
#include "base/lock.h"
#include "diag/mutants.h"
#include "diag/symbols.h"

typedef void found_t(const struct symbol *symbol, void *arg);

/* libdw's, from the outermost begin of a thread to its end. */
static struct lock lock;
static _Thread_local unsigned int depth;

static const char *without_folders(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

static bool begins(const char *text, const char *with)
{
	return text && !strncmp(text, with, strlen(with));
}

static bool one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (!strcmp(name, *names))
			return true;
	}
	return false;
}

static bool named_like_own(const char *function)
{
	return begins(function, "dma_fence_") || begins(function, "dma_resv_") ||
	       begins(function, "dma_ww_");
}

static bool of_the_system(const struct symbol *symbol)
{
	static const char *const below[] = {
		"_start",
		"__libc_start_main",
		"__libc_start_main_impl",
		"start_thread",
		"__libc_start_call_main",
		"clone",
		"clone3",
		"__clone3",
		"__clone",
		NULL,
	};
	static const char *const sanitizers[] = {
		"__interceptor_", "___interceptor_", "__asan_",	 "__tsan_", "__ubsan_",
		"__sanitizer_",	  "__asan::",	     "__tsan::", NULL,
	};
	static const char *const libraries[] = {
		"libasan.so", "libtsan.so", "libubsan.so", "libclang_rt", NULL,
	};
	const char *const *prefix;

	if (symbol->function && one_of(symbol->function, below))
		return true;
	for (prefix = sanitizers; *prefix; prefix++) {
		if (begins(symbol->function, *prefix))
			return true;
	}
	for (prefix = libraries; *prefix; prefix++) {
		if (begins(symbol->module, *prefix))
			return true;
	}
	return false;
}

/* With the path of its source, or NULL if that is not known. */
static void tell(struct symbol *symbol, const char *source, const char *own_folder, found_t *found,
		 void *arg)
{
	if (begins(symbol->module, "libdmafence.so") || begins(symbol->function, "linux_dma_"))
		symbol->own = true;
	else if (source && own_folder)
		symbol->own = begins(source, own_folder) ||
			      (named_like_own(symbol->function) && strstr(source, "/dmafence/"));
	else
		symbol->own = named_like_own(symbol->function);
	symbol->hidden = of_the_system(symbol);
	found(symbol, arg);
}

/* What the dynamic loader knows: exported functions, and modules. */
static void ask_loader(uintptr_t address, found_t *found, void *arg)
{
	struct symbol symbol = { .offset = address };
	struct link_map *map = NULL;
	Dl_info info;

	if (dladdr1((const void *)address, &info, (void **)&map, RTLD_DL_LINKMAP)) {
		symbol.module = without_folders(info.dli_fname);
		symbol.function = info.dli_sname;
		if (info.dli_sname)
			symbol.offset = address - (uintptr_t)info.dli_saddr;
		else if (map)
			symbol.offset = address - map->l_addr;
	}
	tell(&symbol, NULL, NULL, found, arg);
}

#ifdef HAVE_LIBDW

/* Its functions, found at run time. */
#define LIBDW_FUNCTIONS(X) \
	X(dwarf_attr_integrate) \
	X(dwarf_decl_file) \
	X(dwarf_decl_line) \
	X(dwarf_diename) \
	X(dwarf_filesrc) \
	X(dwarf_formudata) \
	X(dwarf_getscopes) \
	X(dwarf_getscopes_die) \
	X(dwarf_getsrc_die) \
	X(dwarf_getsrcfiles) \
	X(dwarf_haspc) \
	X(dwarf_lineno) \
	X(dwarf_linesrc) \
	X(dwarf_tag) \
	X(dwfl_addrmodule) \
	X(dwfl_begin) \
	X(dwfl_build_id_find_debuginfo) \
	X(dwfl_end) \
	X(dwfl_linux_proc_find_elf) \
	X(dwfl_linux_proc_report) \
	X(dwfl_module_addrdie) \
	X(dwfl_module_addrinfo) \
	X(dwfl_module_getelf) \
	X(dwfl_module_info) \
	X(dwfl_module_nextcu) \
	X(dwfl_report_end) \
	X(dwfl_standard_find_debuginfo)

static struct {
#define FUNCTION(name) __typeof__(name) *name;
	LIBDW_FUNCTIONS(FUNCTION)
#undef FUNCTION
} libdw;

static Dwfl *session;

/*
 * The folder with the library's sources, as the debug information has it; with a '/' at its end. Empty
 * if it is not known. It is looked for once, so it must not depend on what memory there is then.
 */
static char own_folder[PATH_MAX];

/* Of the first, which is the program. */
static int asks_for_loader(struct dl_phdr_info *info, size_t size, void *arg)
{
	ElfW(Half) i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++)
		*(bool *)arg |= info->dlpi_phdr[i].p_type == PT_INTERP;
	return 1;
}

/*
 * Not in a program that was linked with -static: it would come with a second C library, of which
 * nothing is set up.
 */
static bool load_libdw(void)
{
	bool has_loader = false;
	void *library;

	dl_iterate_phdr(asks_for_loader, &has_loader);
	library = has_loader ? dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL) : NULL;
	if (!library)
		return false;
#define FUNCTION(name) \
	libdw.name = __extension__(__typeof__(libdw.name)) dlsym(library, #name); \
	if (!libdw.name) \
		return false;
	LIBDW_FUNCTIONS(FUNCTION)
#undef FUNCTION
	return true;
}

/*
 * libdw asks the servers that DEBUGINFOD_URLS names, if it finds nothing here: not in the middle of
 * a program that reports a fault.
 */
static int find_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **path)
{
	const char *servers = getenv("DEBUGINFOD_URLS");

	if (servers && *servers)
		return libdw.dwfl_build_id_find_debuginfo(module, user, name, base, file, link, crc,
							  path);
	return libdw.dwfl_standard_find_debuginfo(module, user, name, base, file, link, crc, path);
}

/* The compile unit. Not every compiler writes the table in which libdw looks for it. */
static Dwarf_Die *unit_of(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
	Dwarf_Die *unit = libdw.dwfl_module_addrdie(module, address, bias);

	if (unit)
		return unit;
	while ((unit = libdw.dwfl_module_nextcu(module, unit, bias))) {
		if (libdw.dwarf_haspc(unit, address - *bias) > 0)
			return unit;
	}
	return NULL;
}

/* The functions around an address, as they are nested in the machine code, in a block to free. */
static int scopes_of(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes)
{
	Dwarf_Die *innermost;
	int count = libdw.dwarf_getscopes(unit, address, &innermost);

	if (count <= 0)
		return 0;
	count = libdw.dwarf_getscopes_die(&innermost[0], scopes);
	free(innermost);
	return count < 0 ? 0 : count;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = libdw.dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static bool number_at(Dwarf_Die *die, unsigned int what, Dwarf_Word *number)
{
	Dwarf_Attribute attribute;

	return libdw.dwarf_attr_integrate(die, what, &attribute) &&
	       !libdw.dwarf_formudata(&attribute, number);
}

/* The path of a file that the unit names by its number. */
static const char *path_of(Dwarf_Die *unit, Dwarf_Word file)
{
	Dwarf_Files *files;
	size_t count;

	if (libdw.dwarf_getsrcfiles(unit, &files, &count) || file >= count)
		return NULL;
	return libdw.dwarf_filesrc(files, (size_t)file, NULL, NULL);
}

/* The path of the file that the function is in. */
static const char *source_of(Dwarf_Die *unit, Dwarf_Die *function)
{
	const char *path = libdw.dwarf_decl_file(function);
	Dwarf_Word file;

	/* Number 0 is none for libdw; it is the unit's own since DWARF 5. */
	if (!path && number_at(function, DW_AT_decl_file, &file) && !file)
		path = path_of(unit, 0);
	return path;
}

/* Where the inlined function is called. */
static void place_of_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct symbol *symbol)
{
	Dwarf_Word file, line;

	symbol->file = NULL;
	symbol->line = 0;
	if (!number_at(inlined, DW_AT_call_file, &file) ||
	    !number_at(inlined, DW_AT_call_line, &line))
		return;
	symbol->file = without_folders(path_of(unit, file));
	symbol->line = symbol->file ? (int)line : 0;
}

static void place_of_address(Dwarf_Die *unit, Dwarf_Addr address, struct symbol *symbol)
{
	Dwarf_Line *line = libdw.dwarf_getsrc_die(unit, address);

	if (!line || libdw.dwarf_lineno(line, &symbol->line))
		return;
	symbol->file = without_folders(libdw.dwarf_linesrc(line, NULL, NULL));
}

/* Returns whether there was debug information. */
static bool ask_debuginfo(Dwfl_Module *module, uintptr_t address, struct symbol symbol,
			  found_t *found, void *arg)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = unit_of(module, address, &bias), *scopes = NULL;
	int count = unit ? scopes_of(unit, address - bias, &scopes) : 0, i;
	bool any = false;

	if (count)
		place_of_address(unit, address - bias, &symbol);
	for (i = 0; i < count; i++) {
		const char *name, *source;

		if (!is_function(&scopes[i]))
			continue;
		name = libdw.dwarf_diename(&scopes[i]);
		symbol.inlined = libdw.dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine;
		/* A part of a function that the compiler has split off may have no name here. */
		if (name || symbol.inlined)
			symbol.function = name;
		source = source_of(unit, &scopes[i]);
		symbol.declared_file = without_folders(source);
		symbol.declared_line = 0;
		libdw.dwarf_decl_line(&scopes[i], &symbol.declared_line);
		tell(&symbol, source, *own_folder ? own_folder : NULL, found, arg);
		any = true;
		if (!symbol.inlined)
			break;
		place_of_call(unit, &scopes[i], &symbol);
	}
	free(scopes);
	return any;
}

static bool ask_libdw(uintptr_t address, found_t *found, void *arg)
{
	struct symbol symbol = { .offset = address };
	Dwfl_Module *module = session ? libdw.dwfl_addrmodule(session, address) : NULL;
	const char *name;
	GElf_Off offset;
	GElf_Sym info;
	Dwarf_Addr bias;

	if (!module || !libdw.dwfl_module_getelf(module, &bias))
		return false;
	symbol.module = without_folders(
		libdw.dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
	name = libdw.dwfl_module_addrinfo(module, address, &offset, &info, NULL, NULL, NULL);
	symbol.function = name;
	symbol.offset = (uintptr_t)(name ? offset : address - bias);
	if (ask_debuginfo(module, address, symbol, found, arg))
		return true;
	if (!name)
		return false;
	tell(&symbol, NULL, NULL, found, arg);
	return true;
}

static void find_own_folder(void)
{
	static const char here[] = "diag/symbols.c";
	uintptr_t address = (uintptr_t)find_own_folder;
	Dwfl_Module *module = libdw.dwfl_addrmodule(session, address);
	Dwarf_Die *unit, *scopes = NULL;
	const char *path = NULL;
	Dwarf_Addr bias;
	size_t length;

	unit = module ? unit_of(module, address, &bias) : NULL;
	if (unit && scopes_of(unit, address - bias, &scopes))
		path = source_of(unit, &scopes[0]);
	length = path ? strlen(path) : 0;
	if (length > sizeof(here) && length - strlen(here) < sizeof(own_folder) &&
	    !strcmp(path + length - strlen(here), here))
		snprintf(own_folder, sizeof(own_folder), "%.*s", (int)(length - strlen(here)),
			 path);
	free(scopes);
}

static void begin_session(void)
{
	static Dwfl_Callbacks how = { .find_debuginfo = find_debuginfo };
	static bool tried, loaded, looked;

	if (!tried) {
		tried = true;
		loaded = load_libdw();
		if (loaded)
			how.find_elf = libdw.dwfl_linux_proc_find_elf;
	}
	if (!loaded)
		return;
	session = libdw.dwfl_begin(&how);
	if (!session)
		return;
	if (libdw.dwfl_linux_proc_report(session, gettid()) ||
	    libdw.dwfl_report_end(session, NULL, NULL)) {
		libdw.dwfl_end(session);
		session = NULL;
		return;
	}
	if (!looked) {
		looked = true;
		find_own_folder();
	}
}

/* It has files open, which are the program's concern: not longer than needed. */
static void end_session(void)
{
	if (session)
		libdw.dwfl_end(session);
	session = NULL;
}

#else

static void begin_session(void)
{
}

static void end_session(void)
{
}

static bool ask_libdw(uintptr_t address, found_t *found, void *arg)
{
	(void)address;
	(void)found;
	(void)arg;
	return false;
}

#endif

/* Who forks has the lock meanwhile, so that the child can have it. */
static void fork_prepare(void)
{
	if (!depth)
		lock_acquire(&lock);
}

static void fork_over(void)
{
	if (!depth)
		lock_release(&lock);
}

static void tell_forks(void)
{
	static struct fork_handlers handlers = {
		.order = FORK_SYMBOLS,
		.prepare = fork_prepare,
		.parent = fork_over,
		.child = fork_over,
	};

	if (!MUTANT(CHILD_WITHOUT_SYMBOLS))
		dma_fence_at_fork(&handlers);
}

__attribute__((constructor)) static void get_ready(void)
{
	if (!MUTANT(FORKS_TOLD_LATE))
		tell_forks();
}

void dma_fence_symbols_begin(void)
{
	static bool told;

	if (depth++)
		return;
	if (MUTANT(FORKS_TOLD_LATE) && !told) {
		told = true;
		tell_forks();
	}
	lock_acquire(&lock);
	begin_session();
}

void dma_fence_symbols_end(void)
{
	if (--depth)
		return;
	end_session();
	lock_release(&lock);
}

static void look_up(uintptr_t address, found_t *found, void *arg)
{
	dma_fence_symbols_begin();
	if (!ask_libdw(address, found, arg))
		ask_loader(address, found, arg);
	dma_fence_symbols_end();
}

void dma_fence_symbolise(const void *return_address, found_t *found, void *arg)
{
	look_up((uintptr_t)return_address - !MUTANT(LINE_AFTER_CALL), found, arg);
}

void dma_fence_symbolise_function(const void *function, found_t *found, void *arg)
{
	look_up((uintptr_t)function, found, arg);
}
