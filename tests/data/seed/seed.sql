-- The schema that the project began with: 16 tables, word for word. Never applied in production: tests hold the migrated
-- database against it (every table and column name, types of the same family). Needs PostgreSQL 13 or later.

-- 사용자 테이블
CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    username VARCHAR(50) UNIQUE NOT NULL,
    email VARCHAR(100) UNIQUE,
    display_name VARCHAR(100),
    avatar_url TEXT,
    preferences JSONB, -- 에디터 설정, 테마 등
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    last_active TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    is_online BOOLEAN DEFAULT FALSE
);

-- 실시간 세션 (방/워크스페이스)
CREATE TABLE coding_sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    description TEXT,
    owner_id UUID REFERENCES users(id),
    room_code VARCHAR(20) UNIQUE, -- 초대 코드
    session_type VARCHAR(20) DEFAULT 'private', -- private, public, collaborative
    max_participants INTEGER DEFAULT 10,
    is_active BOOLEAN DEFAULT TRUE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    ended_at TIMESTAMP
);

-- 세션 참여자
CREATE TABLE session_participants (
    session_id UUID REFERENCES coding_sessions(id),
    user_id UUID REFERENCES users(id),
    role VARCHAR(20) DEFAULT 'participant', -- owner, collaborator, viewer
    joined_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    left_at TIMESTAMP,
    cursor_position JSONB, -- 현재 편집 위치
    PRIMARY KEY (session_id, user_id)
);

-- 파일 관리
CREATE TABLE files (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    filename VARCHAR(255) NOT NULL,
    file_path TEXT NOT NULL,
    file_type VARCHAR(50), -- .py, .js, .java, .md
    file_size INTEGER,
    content_hash VARCHAR(64), -- 내용 변경 감지용
    created_by UUID REFERENCES users(id),
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 파일 버전 관리 (Git-like)
CREATE TABLE file_versions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    file_id UUID REFERENCES files(id),
    version_number INTEGER NOT NULL,
    content TEXT NOT NULL,
    diff_data JSONB, -- 변경사항 추적
    commit_message TEXT,
    author_id UUID REFERENCES users(id),
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 실시간 편집 상태
CREATE TABLE editing_sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    file_id UUID REFERENCES files(id),
    user_id UUID REFERENCES users(id),
    cursor_position INTEGER DEFAULT 0,
    selection_range JSONB, -- 선택 영역
    is_typing BOOLEAN DEFAULT FALSE,
    last_activity TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 코드 실행 기록
CREATE TABLE code_executions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    file_id UUID REFERENCES files(id),
    user_id UUID REFERENCES users(id),
    code_snippet TEXT NOT NULL,
    language VARCHAR(20) NOT NULL,
    execution_mode VARCHAR(20), -- docker, local, sandbox
    sandbox_id VARCHAR(100), -- 샌드박스 식별자

    -- 실행 결과
    status VARCHAR(20), -- running, completed, failed, timeout
    output TEXT,
    error_message TEXT,
    execution_time FLOAT,

    -- 리소스 사용량
    memory_used INTEGER, -- MB
    cpu_time FLOAT,

    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    completed_at TIMESTAMP
);

-- 실행 환경 설정
CREATE TABLE execution_environments (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(100) NOT NULL,
    language VARCHAR(20) NOT NULL,
    docker_image VARCHAR(255),
    resource_limits JSONB, -- 메모리, CPU 제한
    environment_variables JSONB,
    is_active BOOLEAN DEFAULT TRUE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- Agent 실행 기록
CREATE TABLE agent_executions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    user_id UUID REFERENCES users(id),
    agent_type VARCHAR(50) NOT NULL, -- code_analysis, suggestion, chat
    input_data JSONB NOT NULL,
    output_data JSONB,

    -- AI 모델 정보
    model_name VARCHAR(100),
    model_version VARCHAR(20),
    tokens_used INTEGER,

    -- 실행 환경
    sandbox_id VARCHAR(100),
    execution_time FLOAT,
    status VARCHAR(20), -- pending, running, completed, failed

    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    completed_at TIMESTAMP
);

-- AI 제안 및 피드백
CREATE TABLE ai_suggestions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    file_id UUID REFERENCES files(id),
    user_id UUID REFERENCES users(id),
    suggestion_type VARCHAR(50), -- code_completion, bug_fix, optimization
    original_code TEXT,
    suggested_code TEXT,
    explanation TEXT,
    confidence_score FLOAT, -- 0.0 ~ 1.0
    is_accepted BOOLEAN,
    is_implemented BOOLEAN,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 채팅 메시지
CREATE TABLE chat_messages (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    user_id UUID REFERENCES users(id),
    message_type VARCHAR(20), -- text, code, file_share, system
    content TEXT NOT NULL,
    metadata JSONB, -- 파일 첨부, 코드 블록 등

    -- 메시지 상태
    is_edited BOOLEAN DEFAULT FALSE,
    reply_to UUID REFERENCES chat_messages(id),

    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 실시간 활동 피드
CREATE TABLE activity_feed (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    user_id UUID REFERENCES users(id),
    activity_type VARCHAR(50), -- file_created, code_executed, message_sent
    activity_data JSONB,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 성능 메트릭
CREATE TABLE performance_metrics (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    metric_type VARCHAR(50), -- execution_time, memory_usage, error_rate
    metric_value FLOAT NOT NULL,
    metadata JSONB,
    recorded_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 사용 패턴 분석
CREATE TABLE usage_patterns (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID REFERENCES users(id),
    session_id UUID REFERENCES coding_sessions(id),
    pattern_type VARCHAR(50), -- coding_style, error_pattern, collaboration_style
    pattern_data JSONB,
    frequency INTEGER DEFAULT 1,
    last_occurred TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 보안 이벤트
CREATE TABLE security_events (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id UUID REFERENCES coding_sessions(id),
    user_id UUID REFERENCES users(id),
    event_type VARCHAR(50), -- sandbox_created, suspicious_code, resource_limit
    severity VARCHAR(20), -- low, medium, high, critical
    event_data JSONB,
    sandbox_id VARCHAR(100),
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

-- 감사 로그
CREATE TABLE audit_logs (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID REFERENCES users(id),
    session_id UUID REFERENCES coding_sessions(id),
    action VARCHAR(100) NOT NULL,
    resource_type VARCHAR(50),
    resource_id UUID,
    old_values JSONB,
    new_values JSONB,
    ip_address INET,
    user_agent TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
