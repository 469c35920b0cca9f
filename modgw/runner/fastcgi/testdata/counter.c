/* A program as the FastCGI development kit's manual has it. */
#include <fcgi_stdio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Answers, and ends when another request has come, without having read it. */
static void leave(void) {
	struct pollfd fds[16];
	struct stat at;
	int i, alone = 1;
	while (getchar() != EOF)
		;
	printf("Content-Type: text/plain\r\n\r\nleaving");
	FCGI_Finish();
	while (alone) {
		for (i = 0; i < 16; i++) {
			fds[i].fd = fstat(i, &at) == 0 && S_ISSOCK(at.st_mode) ? i : -1;
			fds[i].events = POLLIN;
		}
		poll(fds, 16, 10);
		for (i = 0; i < 16; i++)
			alone = alone && !(fds[i].revents & POLLIN);
	}
	_exit(3);
}

int main(void) {
	int count = 0;
	while (FCGI_Accept() >= 0) {
		const char *info = getenv("PATH_INFO"), *length = getenv("CONTENT_LENGTH");
		char body[4096] = "";
		if (info != NULL && strcmp(info, "/exit") == 0)
			exit(3);
		if (info != NULL && strcmp(info, "/leave") == 0)
			leave();
		if (info != NULL && strcmp(info, "/crash") == 0) {
			fprintf(stderr, "crash began\n");
			FCGI_fflush(FCGI_stderr);
			raise(SIGSEGV);
		}
		if (info != NULL && strcmp(info, "/stuck") == 0) {
			fprintf(stderr, "stuck began\n");
			FCGI_fflush(FCGI_stderr);
			sleep(600);
		}
		if (info != NULL && strcmp(info, "/crash-late") == 0) {
			printf("Content-Type: text/plain\r\n\r\nhalf");
			FCGI_fflush(FCGI_stdout);
			abort();
		}
		if (length != NULL)
			body[fread(body, 1, sizeof body - 1, stdin)] = 0;
		fprintf(stderr, "request %d for %s\n", count + 1, info);
		printf("Status: 201 Created\r\nContent-Type: text/plain\r\n\r\npid=%d count=%d path=%s body=%s", (int)getpid(), ++count, info, body);
	}
	return 0;
}
