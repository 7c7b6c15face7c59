/* http_sessions — do people get into sessions as they should, with a real PostgreSQL behind the real program?
 *
 *   http_sessions VIBESYNCD
 *
 * Creating and joining, as answers and as rows; who is refused; guessing codes; and the database stopped and started again. */
#include "http_probe.h"
#include "pg_cluster.h"
#include "wire/json_body.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN "an-admin-token-of-this-test"

static char url[PG_URL_MAX];

/* A member of the last answer's body. */
static const char *member(const char *key) {
    static char values[8][512];
    static unsigned next;
    char *value = values[next++ % 8];
    struct json_body *body;
    struct bytes text;
    value[0] = '\0';
    if (json_body_parse(bytes_of(answer.body, answer.body_size), &body) != STATUS_OK)
        return value;
    if (json_body_text(body, key, 500, &text) == STATUS_OK)
        snprintf(value, 512, "%.*s", (int)text.size, (const char *)text.data);
    json_body_destroy(body);
    return value;
}

static unsigned join(const char *code, const char *name) {
    char body[512];
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"%s\"}", code, name);
    return post("/v1/join", NULL, body);
}

__attribute__((format(printf, 1, 2))) static long long number(const char *format, ...) {
    char sql[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    return pg_number(url, sql);
}

static bool ready_within(unsigned limit_ms) {
    uint64_t until_ms = now_ms() + limit_ms;
    while (ask("GET /readyz HTTP/1.1\r\n" HOST "\r\n") != 200) {
        if (now_ms() > until_ms)
            return false;
        sleep_ms(50);
    }
    return true;
}

static char session[64], code[32], owner_token[128];

static void a_session_is_made_with_its_owner(void) {
    CHECK(post("/v1/sessions", TOKEN,
               "{\"name\":\"R\xc3\xa4ume\",\"owner\":\"Ada\",\"max_participants\":3,\"type\":\"collaborative\"}") == 201,
          "%u %s", answer.status, answer.body);
    snprintf(session, sizeof session, "%s", member("session"));
    snprintf(code, sizeof code, "%s", member("code"));
    snprintf(owner_token, sizeof owner_token, "%s", member("token"));
    CHECK(strlen(session) == 36 && strlen(code) == 8 && strlen(owner_token) == 43, "%s", answer.body);
    CHECK(strcmp(member("name"), "R\xc3\xa4ume") == 0 && strcmp(member("role"), "owner") == 0, "%s", answer.body);
    CHECK(
        number("select count(*) from coding_sessions s join users u on u.id = s.owner_id where s.id = '%s' and s.room_code = '%s' "
               "and s.max_participants = 3 and s.session_type = 'collaborative' and u.display_name = 'Ada' and u.id = '%s'",
               session, code, member("user")) == 1,
        "session row");
    CHECK(number("select count(*) from session_participants where session_id = '%s' and role = 'owner'", session) == 1,
          "owner's seat");
    CHECK(number("select count(*) from access_tokens where session_id = '%s' and token_hash = sha256('%s')", session,
                 owner_token) == 1,
          "token, hashed");
}

static void a_guest_joins_by_a_code_as_typed(void) {
    char typed[64], first_user[64];
    snprintf(typed, sizeof typed, "%.4s-%s ", code, code + 4);
    for (char *at = typed; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    CHECK(join(typed, "Grace") == 200, "%u %s", answer.status, answer.body);
    CHECK(strcmp(member("session"), session) == 0 && strcmp(member("role"), "participant") == 0, "%s", answer.body);
    CHECK(number("select count(*) from access_tokens t join users u on u.id = t.user_id where t.token_hash = sha256('%s') "
                 "and t.session_id = '%s' and u.display_name = 'Grace' and u.is_guest",
                 member("token"), session) == 1,
          "guest and token");
    CHECK(strcmp(member("token"), owner_token) != 0, "a token of its own");
    /* A guest's token opens its session, not the making of others. */
    char token[128];
    snprintf(token, sizeof token, "%s", member("token"));
    snprintf(first_user, sizeof first_user, "%s", member("user"));
    CHECK(post("/v1/sessions", token, "{\"name\":\"mine\"}") == 401, "%u", answer.status);
    CHECK(join(code, "Grace") == 200 && strcmp(member("user"), first_user) != 0, "the same name is another person: %s",
          answer.body);
}

static void a_full_or_ended_session_takes_nobody(void) {
    char sql[256];
    snprintf(sql, sizeof sql, "update session_participants set left_at = null where session_id = '%s'", session);
    pg_do(url, sql);
    long long users = number("select count(*) from users");
    CHECK(join(code, "Late") == 409 && strcmp(answer.code, "full") == 0, "%u %s", answer.status, answer.body);
    CHECK(number("select count(*) from users") == users, "and nobody was written down");

    post("/v1/sessions", TOKEN, "{\"name\":\"ended\"}");
    char ended[32];
    snprintf(ended, sizeof ended, "%s", member("code"));
    snprintf(sql, sizeof sql, "update coding_sessions set is_active = false where room_code = '%s'", ended);
    pg_do(url, sql);
    CHECK(join(ended, "Late") == 404, "%u %s", answer.status, answer.body);
}

static void a_users_token_makes_sessions_while_it_is_good(void) {
    pg_do(url, "insert into users (id, username) values ('00000000-0000-7000-8000-000000000001', 'hedy');"
               "insert into access_tokens (token_hash, user_id, expires_at, revoked_at) values "
               "(sha256('a-token-that-is-good'), '00000000-0000-7000-8000-000000000001', now() + interval '1 h', null),"
               "(sha256('a-token-that-is-old'), '00000000-0000-7000-8000-000000000001', now() - interval '1 s', null),"
               "(sha256('a-token-taken-back'), '00000000-0000-7000-8000-000000000001', null, now())");
    CHECK(post("/v1/sessions", "a-token-that-is-good", "{\"name\":\"Hedy's\"}") == 201, "%u %s", answer.status, answer.body);
    CHECK(strcmp(member("user"), "00000000-0000-7000-8000-000000000001") == 0, "%s", answer.body);
    CHECK(number("select count(*) from coding_sessions where owner_id = '00000000-0000-7000-8000-000000000001'") == 1, "owner");
    CHECK(post("/v1/sessions", "a-token-that-is-good", "{\"name\":\"\"}") == 400, "%u %s", answer.status, answer.body);
    CHECK(post("/v1/sessions", "a-token-that-is-old", "{\"name\":\"a\"}") == 401, "%u %s", answer.status, answer.body);
    CHECK(post("/v1/sessions", "a-token-taken-back", "{\"name\":\"a\"}") == 401, "%u %s", answer.status, answer.body);
    CHECK(post("/v1/sessions", "a-token-of-nobody-at-all", "{\"name\":\"a\"}") == 401, "%u %s", answer.status, answer.body);
}

static void names_are_taken_as_people_write_them(void) {
    char body[1200], name[402] = "";
    for (size_t i = 0; i < 100; i++)
        snprintf(name + i * 3, sizeof name - i * 3, "\xe2\x82\xac");
    snprintf(body, sizeof body, "{\"name\":\"%s\",\"owner\":\"a'; drop table users; --\"}", name);
    CHECK(post("/v1/sessions", TOKEN, body) == 201 && strcmp(member("name"), name) == 0, "%u %s", answer.status, answer.body);
    CHECK(number("select count(*) from users where display_name like 'a''; drop%%'") == 1, "the owner's odd name");
    name[300] = 'a';
    snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
    CHECK(post("/v1/sessions", TOKEN, body) == 400, "%u %s", answer.status, answer.body);
}

static void many_at_once_each_get_their_own(void) {
    enum { CROWD = 40 };
    static const char request[] =
        "POST /v1/sessions HTTP/1.1\r\n" HOST "Authorization: Bearer " TOKEN "\r\nContent-Length: 16\r\n\r\n"
        "{\"name\":\"crowd\"}";
    client_open();
    for (unsigned i = 0; i < CROWD; i++)
        client_send(request, sizeof request - 1);
    for (unsigned i = 0; i < CROWD; i++)
        CHECK(client_answer() == 201, "%u %s", answer.status, answer.body);
    client_close();
    CHECK(number("select count(distinct room_code) from coding_sessions where name = 'crowd'") == CROWD, "codes");
}

static void a_client_that_left_gets_no_answer_and_does_no_harm(void) {
    for (unsigned i = 0; i < 20; i++) {
        client_open();
        client_send("POST /v1/sessions HTTP/1.1\r\n" HOST "Authorization: Bearer " TOKEN
                    "\r\nContent-Length: 15\r\n\r\n{\"name\":\"left\"}",
                    strlen("POST /v1/sessions HTTP/1.1\r\n" HOST "Authorization: Bearer " TOKEN
                           "\r\nContent-Length: 15\r\n\r\n{\"name\":\"left\"}"));
        client_close();
    }
    CHECK(ready_within(5000), "%s", answer.body);
}

static void without_the_database_it_says_so_and_comes_back(struct pg_cluster *cluster) {
    pg_cluster_stop(cluster, PG_STOP_FAST);
    uint64_t until_ms = now_ms() + 5000;
    while (ask("GET /readyz HTTP/1.1\r\n" HOST "\r\n") == 200 && now_ms() < until_ms)
        sleep_ms(20);
    CHECK(answer.status == 503, "%u", answer.status);
    unsigned status = 0;
    for (until_ms = now_ms() + 12000; status != 503 && now_ms() < until_ms;)
        status = join(code, "Grace");
    CHECK(status == 503 && strcmp(answer.code, "unavailable") == 0, "%u %s", status, answer.body);
    CHECK(answer.retry_after[0] != '\0', "no Retry-After");
    CHECK(ask("GET /healthz HTTP/1.1\r\n" HOST "\r\n") == 200, "%u", answer.status);
    if (!pg_cluster_resume(cluster))
        die("the cluster does not start again");
    CHECK(ready_within(15000), "%s", answer.body);
    CHECK(post("/v1/sessions", TOKEN, "{\"name\":\"after\"}") == 201, "%u %s", answer.status, answer.body);
}

/* Last: afterwards this address may not guess for a minute. */
static void guessing_codes_is_slowed_at_every_loop(void) {
    unsigned wrong = 0;
    for (unsigned i = 0; i < 60 && join("AAAA0000", "Eve") == 404; i++) {
        wrong++;
        sleep_ms(5);
    }
    CHECK(answer.status == 429 && strcmp(answer.code, "rate") == 0, "%u %s", answer.status, answer.body);
    /* One guess was made by a_full_or_ended_session_takes_nobody(). */
    CHECK(wrong >= 9 && wrong <= 11, "%u", wrong);
    for (unsigned i = 0; i < 20; i++)
        CHECK(join(code, "Grace") == 429, "%u %s", answer.status, answer.body);
}

int main(int count, char **arguments) {
    char folder[] = "/tmp/vibesync-http-XXXXXX", token_file[100], role_url[PG_URL_MAX], said[4096];
    struct pg_cluster cluster;
    static struct program program;
    if (count != 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(folder) == NULL)
        die(folder);
    snprintf(token_file, sizeof token_file, "%s/token", folder);
    write_file(folder, "token", TOKEN "\n");
    if (!pg_cluster_start(&cluster, NULL) || !pg_cluster_database(&cluster, url))
        die("no PostgreSQL");
    pg_url_for_role(url, "http_test_server", role_url);

    const char *const migrate[] = { "migrate", "--database", url, "--server-role=http_test_server", NULL };
    for (unsigned i = 0; i < 2; i++) {
        int status = program_run(arguments[1], migrate, said, sizeof said);
        CHECK(status == 0 && strstr(said, "the database is at version") != NULL, "run %u: %d %s", i, status, said);
    }
    CHECK(strstr(said, "(0 applied now)") != NULL, "the second run has nothing to do: %s", said);

    const char *const serve[] = {
        "serve", "--listen=127.0.0.1:0", "--loops=2", "--log-format=json", "--admin-token-file", token_file, "--database", role_url,
        NULL
    };
    program_start(&program, arguments[1], serve);
    if (!program_serves(&program))
        return 1;
    CHECK(ready_within(10000), "%s", answer.body);
    a_session_is_made_with_its_owner();
    a_guest_joins_by_a_code_as_typed();
    a_full_or_ended_session_takes_nobody();
    a_users_token_makes_sessions_while_it_is_good();
    names_are_taken_as_people_write_them();
    many_at_once_each_get_their_own();
    a_client_that_left_gets_no_answer_and_does_no_harm();
    without_the_database_it_says_so_and_comes_back(&cluster);
    guessing_codes_is_slowed_at_every_loop();

    kill(program.pid, SIGTERM);
    int status = program_wait(&program);
    CHECK(status == 0, "status %d: %s", status, program.said);
    program_check_json(&program);
    CHECK(strstr(program.said, owner_token) == NULL && strstr(program.said, TOKEN) == NULL, "a token in the log");
    pg_cluster_close(&cluster);
    unlink(token_file);
    rmdir(folder);
    printf("%u checks, %u failed\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
